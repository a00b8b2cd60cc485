"""A picture averaged down to each of the sizes that MTCNN looks at.

The package averages anew for each size. Here the sums over every rectangle from the corner are
added up once, and an average takes four of them. Pixels are whole numbers, so sums are exact, and
what comes out is the package's to the last bit. (Of more than 65,000 pixels to one its own sums are
not exact; MTCNN's averages take a third of that at most.)
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

LARGE = 300_000
"""Numbers in a photo, or in several of one size, from which it pays."""
_SUMS = WeakIdKeyDictionary()
"""Of the pictures that somebody still holds."""


def averaged(
    package: Callable[[Tensor, tuple[int, int]], Tensor], pictures: Tensor, size: tuple[int, int]
) -> Tensor:
    """What `interpolate(pictures, size, mode="area")` gives, which `package` does; `package` does
    it where it is not to be had faster. pictures: (n, c, h, w), 0 to 255. size: height and width.
    """
    sums = _sums(pictures)
    if sums is None:
        return package(pictures, size)
    (top, bottom), (left, right) = map(_edges, size, pictures.shape[2:])
    strips = sums.index_select(1, bottom) - sums.index_select(1, top)
    boxes = strips.index_select(2, right) - strips.index_select(2, left)
    means = boxes.float() / (bottom - top).view(-1, 1, 1) / (right - left).view(-1, 1)
    return means.permute(0, 3, 1, 2)


def _sums(pictures: Tensor) -> Tensor | None:
    """(n, h + 1, w + 1, c) int32: of all pixels above and to the left; None where there are none
    that are exact, or too few pixels, or a part of a photo, which is averaged but once."""
    whole_photos = pictures.is_contiguous(memory_format=torch.channels_last)
    if pictures.numel() < LARGE or pictures.device.type != "cpu" or not whole_photos:
        return None
    if pictures not in _SUMS:
        (n, c, height, width), whole = pictures.shape, pictures.permute(0, 2, 3, 1).int()
        exact = height * width < _MOST and torch.equal(whole.permute(0, 3, 1, 2).float(), pictures)
        sums = torch.zeros(n, height + 1, width + 1, c, dtype=torch.int32)
        if exact:
            sums[:, 1:, 1:] = whole.cumsum(2, dtype=torch.int32).cumsum(1, dtype=torch.int32)
        _SUMS[pictures] = sums if exact else None
    found: Tensor | None = _SUMS[pictures]
    return found


_MOST = 2**31 // 255
"""Pixels whose sum an int32 holds."""


def _edges(small: int, large: int) -> tuple[Tensor, Tensor]:
    """Of a side of `small` pixels: where in one of `large` each begins, and ends."""
    places = torch.arange(small)
    return places * large // small, ((places + 1) * large + small - 1) // small
