"""Part of each gallery was online before its owner knew of cloaks: `mixed:0.5`.

`mixed:0..1..0.25` is a curve: 0, 25, 50, 75 and 100% cloaked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from annotated_types import Ge, Le
from torch import Tensor

from audit.scenarios import Trial, first


def build(share: Annotated[float, Ge(0), Le(1)] = 0.5) -> Mixed:
    """share: of each person's pictures that is cloaked, 0 to 1."""
    return Mixed(share)


class Mixed:
    """Of each person's n pictures, the first round(share * n) are cloaked. A share of 0 is the
    clean gallery; any other that rounds to nothing is a mistake."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.phrase = f"{share:.0%} of each protected person's pictures are cloaked"

    def trials(self, identities: Tensor, /) -> Iterator[Trial]:
        """As `Scenario`."""
        people = tuple(identities.unique().tolist())
        yield Trial(people, first(identities, self.share), empty=self.share == 0)
