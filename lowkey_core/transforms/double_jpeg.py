"""A JPEG that somebody crops and posts again: the second file's blocks lie on another grid.

`jpeg:90+jpeg:75` has both files on one grid. Here the first rows and columns are cut off before the
second file. So that the photo keeps its size and the face its place, they are put back afterwards
as the first file left them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from lowkey_core.transforms.jpeg import Jpeg
from lowkey_core.types import Pixels, Transform


def build(
    quality: Annotated[int, Ge(1), Le(100)] = 75,
    first: Annotated[int, Ge(1), Le(100)] = 90,
    shift: Annotated[int, Ge(0), Le(15)] = 4,
) -> Transform:
    """quality: of the second file, 1 to 100. first: of the first file. shift: rows and columns that
    are cut off between them, 0 to 15; 4 is half a block, 0 is `jpeg:FIRST+jpeg:QUALITY`. The
    defaults of `first` and `shift` are ours."""
    return DoubleJpeg(quality, first, shift)


@dataclass(frozen=True)
class DoubleJpeg:
    """Two JPEGs with 4:2:0 chroma subsampling."""

    quality: int
    first: int
    shift: int

    def __call__(self, pixels: Pixels) -> Pixels:
        """The same size. A row and a column, at least, go through the second file."""
        made = Jpeg(self.first)(pixels)
        top, left = (min(self.shift, side - 1) for side in made.shape[:2])
        made[top:, left:] = Jpeg(self.quality)(made[top:, left:])
        return made
