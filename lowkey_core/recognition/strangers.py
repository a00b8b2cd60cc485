"""Strangers in every gallery of a recogniser, by embeddings that were made before."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import torch

from lowkey_core.recognition.matching import Fit, Fitted
from lowkey_core.types import Candidates, Embeddings, Network
from lowkey_core.work.bounded import Bounded

FIRST = 2**40
"""Their identities begin here, behind everybody who has pictures."""
_KEPT = 2**26
"""Bytes of answers that are remembered: the same probes are searched in many galleries."""


@dataclass(frozen=True)
class Strangers:
    """Enrolled once, as a gallery of their own; who is in another one does not change a score."""

    network: Network
    """That made them: to any other they mean nothing."""
    vectors: Embeddings
    """(n, d), of one person each."""
    fit: Fit
    """Of the matcher."""
    _found: Bounded[Candidates] = field(
        default_factory=lambda: Bounded(_KEPT, lambda c: c.scores.nbytes + c.identities.nbytes)
    )

    def __len__(self) -> int:
        return len(self.vectors)

    @cached_property
    def fitted(self) -> Fitted:
        """Not before anybody searches."""
        return self.fit(self.vectors, FIRST + torch.arange(len(self)))

    def search(self, probes: Embeddings, k: int) -> Candidates:
        """As `Fitted.search`."""
        name = hashlib.blake2b(probes.contiguous().numpy().tobytes()).digest()
        return self._found.get((name, k), lambda: self.fitted.search(probes, k))
