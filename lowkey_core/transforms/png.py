"""Through a real PNG file and back."""

from __future__ import annotations

from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from lowkey_core.types import Pixels, Transform


def build() -> Transform:
    """Takes no options."""
    return through_png


def through_png(pixels: Pixels) -> Pixels:
    """What the file holds."""
    return decode_pixels(encode_pixels(pixels, "PNG"))
