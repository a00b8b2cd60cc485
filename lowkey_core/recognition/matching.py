"""What a matcher is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from torch import Tensor

from lowkey_core.types import Candidates, Embeddings

Fit = Callable[[Embeddings, Tensor], "Fitted"]
"""A matcher: from gallery embeddings (g, d) and identities (g,) to what answers searches."""


@runtime_checkable
class Approximate(Protocol):
    """A `Fit` whose searches may miss somebody. It repeats a part of them exactly, and counts."""

    hits: int
    """People that both searches found, so far."""
    searched: int
    """People that the exact ones found."""


class Fitted(Protocol):
    """A matcher that knows a gallery."""

    def search(self, probes: Embeddings, k: int, /) -> Candidates:
        """probes: (p, d). No more than k identities of each, never a table of everybody's."""
        ...

    def likeness(self, probes: Embeddings, claimed: Tensor, /) -> Tensor:
        """(p,) float32: as `Gallery.likeness`."""
        ...
