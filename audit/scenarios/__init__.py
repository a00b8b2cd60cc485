"""Scenarios: how the gallery came to be published. Each file exports `build(...) -> Scenario`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from lowkey_core import spec
from lowkey_core.plugins import Kind


@dataclass(frozen=True)
class Trial:
    """One gallery, and whose probes are searched in it."""

    scored: tuple[int, ...]
    """Identities."""
    cloaked: Tensor
    """(n,) bool, of the protected people's pictures: published with the audited cloak. The rest are
    clean, but for `earlier`."""
    probes: Literal["clean", "cloaked"] = "clean"
    """What is searched. The control always searches clean probes in a clean gallery."""
    earlier: Tensor | None = None
    """(n,) bool, none of them in `cloaked`: published before, with the scenario's `older` cloak."""
    empty: bool = False
    """That nothing is cloaked is meant, as at the start of a curve, and no mistake."""

    @property
    def changed(self) -> Tensor:
        """(n,) bool: published cloaked, whichever cloak it was."""
        return self.cloaked if self.earlier is None else self.cloaked | self.earlier


class Scenario(Protocol):
    """Deals out who cloaks what.

    One whose trials have `earlier` pictures says in `older` with which cloak: a spec.
    """

    phrase: str
    """What it means, for a report: "everybody protected cloaks at once"."""

    def trials(self, identities: Tensor, /) -> Iterator[Trial]:
        """identities: (n,) int64, of the protected people's pictures in the order published.

        Each person is scored in exactly one trial.
        """
        ...


def older(scenario: Scenario) -> str:
    """The cloak, canonical, of what its trials say was published earlier; "" if there is none.

    Raises: OptionError.
    """
    named = str(getattr(scenario, "older", ""))
    return spec.canonical(named) if named else ""


def first(identities: Tensor, share: float) -> Tensor:
    """(n,) bool: of each person's m pictures the first round(share * m). identities: (n,)."""
    chosen = torch.zeros(len(identities)).bool()
    for who in identities.unique():
        own = (identities == who).nonzero().flatten()
        chosen[own[: round(share * len(own))]] = True
    return chosen


SCENARIOS: Kind[Scenario] = Kind("scenario", "audit.scenarios", promises=("trials",))
