"""Scenarios: how the gallery came to be published. Each file exports `build(...) -> Scenario`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor

from lowkey_core.plugins import Kind


@dataclass(frozen=True)
class Trial:
    """One gallery, and whose probes are searched in it."""

    scored: tuple[int, ...]
    """Identities."""
    cloaked: Tensor
    """(n,) bool, of the protected people's pictures: published cloaked. The rest are clean."""
    probes: Literal["clean", "cloaked"] = "clean"
    """What is searched. The control always searches clean probes in a clean gallery."""


class Scenario(Protocol):
    """Deals out who cloaks what."""

    phrase: str
    """What it means, for a report: "everybody protected cloaks at once"."""

    def trials(self, identities: Tensor, /) -> Iterator[Trial]:
        """identities: (n,) int64, of the protected people's pictures in the order published.

        Each person is scored in exactly one trial.
        """
        ...


SCENARIOS: Kind[Scenario] = Kind("scenario", "audit.scenarios", promises=("trials",))
