"""Through a real AVIF file and back, colour at half resolution as platforms store it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le
from PIL import features

from lowkey_core.errors import NotPossibleError
from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from lowkey_core.types import Pixels, Transform


def build(quality: Annotated[int, Ge(0), Le(100)] = 60) -> Transform:
    """quality: as libavif's, 0 to 100; it reads lower than JPEG's. Raises: NotPossibleError where
    Pillow was built without AVIF."""
    if not features.check("avif"):
        raise NotPossibleError(
            "this Pillow writes no AVIF files",
            expected="Pillow with libavif, as its own wheels have it",
            remedy="install Pillow from its wheels, or leave out avif",
        )
    return Avif(quality)


@dataclass(frozen=True)
class Avif:
    """AVIF with 4:2:0 chroma subsampling."""

    quality: int

    def __call__(self, pixels: Pixels) -> Pixels:
        """What the file holds. One thread, as libavif's files differ with more."""
        content = encode_pixels(
            pixels, "AVIF", quality=self.quality, subsampling="4:2:0", max_threads=1
        )
        return decode_pixels(content)
