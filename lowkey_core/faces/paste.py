"""Changes of aligned faces, carried back into their photo."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from lowkey_core.faces.alignment import region, unwarp
from lowkey_core.photos.images import from_pixels
from lowkey_core.types import Images, Pixels


def spread(pixels: Pixels, warp: Tensor, change: Tensor) -> tuple[slice, slice, Images]:
    """The part of a photo that shows a face, and how its pixels change: rows, columns, and
    (1, 3, h, w) on the [0, 1] scale. A share of the change spreads to that share of it.

    warp: (2, 3), photo to template pixels. change: (3, 112, 112), on the [0, 1] scale. What is
    grey stays grey: of the change it gets the mean over colours, the nearest grey one.
    """
    rows, columns, moved = region(warp, *pixels.shape[:2])
    part = pixels[rows, columns]
    if (part == part[..., :1]).all():
        change = change.mean(0, keepdim=True).expand_as(change)
    return rows, columns, unwarp(change[None], moved, *part.shape[:2])


def added(part: Pixels, there: Images) -> Pixels:
    """A part of a photo with its change, in whole grey levels. there: (1, 3, h, w)."""
    both = (from_pixels(part) + there).clamp(0, 1)[0].permute(1, 2, 0)
    return both.mul(255).round().byte().contiguous().numpy()


def patched(pixels: Pixels, warp: Tensor, change: Tensor) -> tuple[slice, slice, Pixels]:
    """The part of a photo that shows a face, changed: rows, columns, and its new pixels.
    warp, change: as of `spread`.
    """
    rows, columns, there = spread(pixels, warp, change)
    return rows, columns, added(pixels[rows, columns], there)


def retouched(pixels: Pixels, warps: Tensor, changes: Images) -> Pixels:
    """A copy of a photo whose aligned faces show the changes.

    warps: (n, 2, 3), photo to template pixels. changes: (n, 3, 112, 112), on the [0, 1] scale.
    Where faces overlap their changes add up.
    """
    changed = pixels.copy()
    for change, warp in zip(changes, warps, strict=True):
        rows, columns, part = patched(changed, warp, change)
        changed[rows, columns] = part
    return changed


@dataclass(frozen=True)
class Retouch:
    """A transform of one photo: its aligned face shows a change."""

    warp: Tensor
    """(2, 3), photo to template pixels."""
    change: Tensor
    """(3, 112, 112) int16, in grey levels."""

    def __call__(self, pixels: Pixels) -> Pixels:
        """A copy of the same size."""
        return retouched(pixels, self.warp[None], self.change[None].float().div(255))
