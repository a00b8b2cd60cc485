"""Changes of aligned faces, carried back into their photo; and what they look like."""

from __future__ import annotations

import numpy as np
from PIL import Image
from torch import Tensor

from lowkey_core.faces.alignment import region, unwarp
from lowkey_core.photos.decoding import Pixels
from lowkey_core.photos.images import from_pixels
from lowkey_core.types import Images

_HEIGHT, _ENLARGED = 512, 5


def retouched(pixels: Pixels, warps: Tensor, changes: Images) -> Pixels:
    """A copy of a photo whose aligned faces show the changes.

    warps: (n, 2, 3), photo to template pixels. changes: (n, 3, 112, 112), on the [0, 1] scale.
    Where faces overlap their changes add up.
    """
    changed = pixels.copy()
    for change, warp in zip(changes, warps, strict=True):
        rows, columns, moved = region(warp, *pixels.shape[:2])
        part = changed[rows, columns]
        there = unwarp(change[None], moved, *part.shape[:2])
        sum_of_both = (from_pixels(part) + there).clamp(0, 1)[0].permute(1, 2, 0)
        changed[rows, columns] = sum_of_both.mul(255).round().byte().numpy()
    return changed


def side_by_side(before: Pixels, after: Pixels, warps: Tensor) -> Pixels:
    """Every face before, after, and their difference five times enlarged; a row each."""
    strips = []
    for warp in warps:
        rows, columns, _ = region(warp, *before.shape[:2])
        clean, changed = before[rows, columns], after[rows, columns]
        difference = changed.astype(np.int16) - clean
        enlarged = (128 + _ENLARGED * difference).clip(0, 255).astype(np.uint8)
        strip = Image.fromarray(np.concatenate([clean, changed, enlarged], 1))
        strips.append(strip.resize((round(strip.width * _HEIGHT / strip.height), _HEIGHT)))
    sheet = Image.new("RGB", (max(s.width for s in strips), _HEIGHT * len(strips)))
    for i, strip in enumerate(strips):
        sheet.paste(strip, (0, i * _HEIGHT))
    return np.array(sheet)
