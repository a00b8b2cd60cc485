"""Through a real lossy WebP file and back, colour at half resolution as the format has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from lowkey_core.transforms.longest import Longest
from lowkey_core.types import Pixels, Transform

MOST = 16383
"""Pixels of a side that the format holds."""


def build(quality: Annotated[int, Ge(0), Le(100)] = 75) -> Transform:
    """quality: as libwebp's, 0 to 100. A photo that WebP cannot hold is shrunk until it can, and
    scaled back."""
    return Longest(MOST, Webp(quality))


@dataclass(frozen=True)
class Webp:
    """Lossy WebP."""

    quality: int

    def __call__(self, pixels: Pixels) -> Pixels:
        """What the file holds. No side above `MOST`."""
        return decode_pixels(encode_pixels(pixels, "WEBP", quality=self.quality))
