"""Through a real JPEG file and back, colour at half resolution as platforms store it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from lowkey_core.types import Pixels, Transform


def build(quality: Annotated[int, Ge(1), Le(100)] = 75) -> Transform:
    """quality: as libjpeg's, 1 to 100."""
    return Jpeg(quality)


@dataclass(frozen=True)
class Jpeg:
    """JPEG with 4:2:0 chroma subsampling."""

    quality: int

    def __call__(self, pixels: Pixels) -> Pixels:
        """What the file holds."""
        return decode_pixels(
            encode_pixels(pixels, "JPEG", quality=self.quality, subsampling="4:2:0")
        )
