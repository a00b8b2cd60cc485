"""Enrolled clean, before the cloak existed; then cloaked photos are searched.

Protego's cell 2B, protected queries against clean entries. It needs no adversary who learned
anything new: the gallery is old.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from audit.scenarios import Trial


def build() -> Before:
    """Takes no options."""
    return Before()


class Before:
    """One gallery, everybody's pictures clean and everybody's probes cloaked."""

    phrase = "everybody was enrolled before the cloak existed, and cloaked photos are searched"

    def trials(self, identities: Tensor, /) -> Iterator[Trial]:
        """As `Scenario`."""
        nothing = torch.zeros(len(identities)).bool()
        yield Trial(tuple(identities.unique().tolist()), nothing, probes="cloaked")
