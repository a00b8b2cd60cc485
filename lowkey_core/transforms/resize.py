"""Smaller by a factor and back to its size, as alignment will do with a smaller photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from PIL import Image

from lowkey_core.types import Pixels, Transform


def build(factor: Annotated[float, Ge(0.05), Le(1)] = 0.5) -> Transform:
    """factor: of height and width, 0.05 to 1."""
    return Resize(factor)


@dataclass(frozen=True)
class Resize:
    """Lanczos down, bicubic up."""

    factor: float

    def __call__(self, pixels: Pixels) -> Pixels:
        """The same size."""
        height, width = pixels.shape[:2]
        small = (max(1, round(width * self.factor)), max(1, round(height * self.factor)))
        picture = Image.fromarray(pixels).resize(small, Image.Resampling.LANCZOS)
        return np.array(picture.resize((width, height), Image.Resampling.BICUBIC))
