"""What a copy looks like beside its photo."""

from __future__ import annotations

import numpy as np
from PIL import Image
from torch import Tensor

from lowkey_core.faces.alignment import region
from lowkey_core.types import Pixels

_HEIGHT, _ENLARGED = 512, 5


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
