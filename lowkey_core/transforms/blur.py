"""Gaussian blur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from lowkey_core.faces.visibility import smooth
from lowkey_core.photos.images import from_pixels, to_pixels
from lowkey_core.types import Pixels, Transform


def build(sigma: Annotated[float, Ge(0.1), Le(10)] = 1.5) -> Transform:
    """sigma: of the Gaussian, in pixels, 0.1 to 10."""
    return Blur(sigma)


@dataclass(frozen=True)
class Blur:
    """A window of three sigmas to each side, the picture continued by its mirror image."""

    sigma: float

    def __call__(self, pixels: Pixels) -> Pixels:
        """The same size."""
        size = 2 * int(3 * self.sigma + 0.5) + 1
        return to_pixels(smooth(from_pixels(pixels), size, self.sigma))
