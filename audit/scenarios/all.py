"""Everybody protected cloaks at once."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from audit.scenarios import Trial


def build() -> Everybody:
    """Takes no options."""
    return Everybody()


class Everybody:
    """One gallery."""

    phrase = "everybody protected cloaks at once"

    def trials(self, identities: Tensor, /) -> Iterator[Trial]:
        """As `Scenario`."""
        yield Trial(tuple(identities.unique().tolist()), torch.ones(len(identities)).bool())
