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
    return scaled_part(pixels, height, width, slice(0, height), slice(0, width))


def scaled_part(pixels: Pixels, height: int, width: int, rows: slice, columns: slice) -> Pixels:
    """These rows and columns of what `scaled` gives, to two grey levels, for less time.

    rows, columns: with a start and a stop, within the height and the width.
    """
    smaller = height * width < pixels.shape[0] * pixels.shape[1]
    how = Image.Resampling.LANCZOS if smaller else Image.Resampling.BICUBIC
    down, across = pixels.shape[0] / height, pixels.shape[1] / width
    box = (columns.start * across, rows.start * down, columns.stop * across, rows.stop * down)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    whole = size == (width, height)
    shown = Image.fromarray(pixels).resize(size, how, None if whole else box)
    return np.array(shown)
