"""No longer than so many pixels, then what follows the @, and back to its size.

`longest:1600@jpeg:70` shrinks a photo whose longest side is above 1600, puts it through a JPEG file
at that size, and scales what the file holds back up. A platform would leave it small; here the
face must stay where it was, and alignment scales faces anyway. A small photo is never enlarged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from lowkey_core.photos.scaled import at
from lowkey_core.spec import Spec
from lowkey_core.transforms import load
from lowkey_core.types import Pixels, Transform


def build(side: Annotated[int, Ge(16), Le(30_000)] = 1600, of: Spec | None = None) -> Transform:
    """side: the longest, in pixels, 16 to 30000. of: a transform of the photo at that size; without
    one it is only scaled. Raises: UnknownNameError, OptionError, of that transform."""
    return Longest(side, load(str(of) if of else "none"))


@dataclass(frozen=True)
class Longest:
    """Lanczos down, bicubic up."""

    side: int
    step: Transform

    def __call__(self, pixels: Pixels) -> Pixels:
        """The same size."""
        return at(pixels, min(1, self.side / max(pixels.shape[:2])), self.step)
