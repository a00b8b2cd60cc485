"""A face in a photo of several, where a table says it is."""

from __future__ import annotations

from dataclasses import dataclass

from lowkey_core.errors import UnreadableImageError
from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from lowkey_core.photos.photo import Photo

AROUND = 0.5
"""Of the box's side, added at each of its sides: detectors look for whole heads (ours)."""


@dataclass(frozen=True)
class BoxedPhoto(Photo):
    """The part of a photo around a box."""

    box: tuple[int, int, int, int] = (0, 0, 1, 1)
    """Left, top, width, height, in pixels of the photo as it is shown, upright."""

    @property
    def place(self) -> tuple[object, ...]:
        """A photo of several people has a picture of each."""
        return *super().place, self.box

    def read(self) -> bytes:
        """That part, as a PNG file. Raises: UnreadableImageError, also where the box is outside."""
        pixels = decode_pixels(super().read(), self.name)
        left, top, width, height = self.box
        if left >= pixels.shape[1] or top >= pixels.shape[0]:
            raise UnreadableImageError(
                f"{self.name} is {pixels.shape[1]}x{pixels.shape[0]}, its face at {left}, {top}",
                expected="a face inside the photo",
                remedy="see that table and photos are of one release",
                reason="damaged",
            )
        x, y = round(AROUND * width), round(AROUND * height)
        rows = slice(max(0, top - y), top + height + y)
        return encode_pixels(pixels[rows, max(0, left - x) : left + width + x], "PNG")
