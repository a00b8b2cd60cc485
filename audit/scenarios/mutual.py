"""Cloaked queries against cloaked entries: may two protected pictures of a person match?

A cloak that moves all pictures of a person the same way hides them from clean photos, and lets
them be found by each other.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from audit.scenarios import Trial


def build() -> Mutual:
    """Takes no options."""
    return Mutual()


class Mutual:
    """One gallery, everybody's pictures and probes cloaked."""

    phrase = "everybody protected cloaks, and cloaked photos of them are searched"

    def trials(self, identities: Tensor, /) -> Iterator[Trial]:
        """As `Scenario`."""
        everything = torch.ones(len(identities)).bool()
        yield Trial(tuple(identities.unique().tolist()), everything, probes="cloaked")
