"""Smaller by a factor and back to its size, as alignment will do with a smaller photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from lowkey_core.photos.scaled import at
from lowkey_core.transforms.none import unchanged
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
        return at(pixels, self.factor, unchanged)
