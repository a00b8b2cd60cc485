"""A photo at another size, and back at its own."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lowkey_core.types import Pixels, Transform


def at(pixels: Pixels, factor: float, step: Transform) -> Pixels:
    """What `step` makes of the photo at `factor` times its height and width, back at its own size.

    pixels: (h, w, 3). factor: above 0; a side has at least one pixel.
    """
    height, width = pixels.shape[:2]
    other = scaled(pixels, max(1, round(height * factor)), max(1, round(width * factor)))
    return scaled(step(other), height, width)


def scaled(pixels: Pixels, height: int, width: int) -> Pixels:
    """(height, width, 3): Lanczos where that is smaller, bicubic where it is larger."""
    smaller = height * width < pixels.shape[0] * pixels.shape[1]
    how = Image.Resampling.LANCZOS if smaller else Image.Resampling.BICUBIC
    return np.array(Image.fromarray(pixels).resize((width, height), how))
