"""A screenshot of the photo on a phone, uploaded as a JPEG of quality 85.

The photo fills a screen of 1080x2400 pixels as far as its shape allows: a smaller one is enlarged.
The screenshot's own file is a PNG, which loses nothing and is left out. What shows the photo is cut
to it, and scaled back to its size. The numbers are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from lowkey_core.photos.scaled import at
from lowkey_core.transforms.jpeg import Jpeg
from lowkey_core.types import Pixels, Transform

WIDTH, HEIGHT = 1080, 2400
"""Of the screen, in pixels."""
UPLOAD = Jpeg(85)


def build() -> Transform:
    """Takes no options."""
    return Screenshot(WIDTH, HEIGHT, UPLOAD)


@dataclass(frozen=True)
class Screenshot:
    """Lanczos down, bicubic up."""

    width: int
    height: int
    upload: Transform

    def __call__(self, pixels: Pixels) -> Pixels:
        """The same size."""
        height, width = pixels.shape[:2]
        return at(pixels, min(self.width / width, self.height / height), self.upload)
