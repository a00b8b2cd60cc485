"""What platforms do to pictures after publication. Real encoders, no imitations.

Each file exports `build(...) -> Transform`. A name is one of them with its value, `jpeg:75`, or a
chain, left to right: `resize:0.5+jpeg:75`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lowkey_core.errors import PluginError
from lowkey_core.plugins import Kind
from lowkey_core.spec import split
from lowkey_core.types import Pixels, Transform

TRANSFORMS: Kind[Transform] = Kind("transform", "lowkey_core.transforms")


def load(chain: str) -> Transform:
    """The transform, or the chain of them, called so.

    Raises: UnknownNameError, OptionError; and where it is used, PluginError if a plugin's answer is
    no picture of the same size.
    """
    return Chain(tuple((name, TRANSFORMS.load(name)) for name in split(chain, "+")))


@dataclass(frozen=True)
class Chain:
    """Transforms by name, one after the other."""

    steps: tuple[tuple[str, Transform], ...]

    def __call__(self, pixels: Pixels) -> Pixels:
        """The same size. Raises: PluginError."""
        for name, step in self.steps:
            pixels = _checked(step(pixels), pixels, name)
        return pixels


def _checked(made: object, given: Pixels, name: str) -> Pixels:
    if isinstance(made, np.ndarray) and made.dtype == np.uint8 and made.shape == given.shape:
        return made
    got = f"{made.dtype} {made.shape}" if isinstance(made, np.ndarray) else type(made).__name__
    raise PluginError(
        f"the transform {name} returned {got}",
        expected=f"uint8 pixels of shape {given.shape}, as it was given",
        remedy="correct what it returns",
    )
