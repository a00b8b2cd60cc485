"""Part of each gallery was online before its owner knew of cloaks: `mixed:0.5`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Tensor

from audit.scenarios import Trial


def build(share: Annotated[float, Ge(0), Le(1)]) -> Mixed:
    """share: of each person's pictures that is cloaked, 0 to 1."""
    return Mixed(share)


class Mixed:
    """Of each person's n pictures, the first round(share * n) are cloaked."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.phrase = f"{share:.0%} of each protected person's pictures are cloaked"

    def trials(self, identities: Tensor, /) -> Iterator[Trial]:
        """As `Scenario`."""
        cloaked = torch.zeros(len(identities)).bool()
        for who in identities.unique():
            own = (identities == who).nonzero().flatten()
            cloaked[own[: round(self.share * len(own))]] = True
        yield Trial(tuple(identities.unique().tolist()), cloaked)
