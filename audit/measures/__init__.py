"""Measures: from two systems to counts per identity. Each file exports `build(...) -> Measure`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from adversaries import System
from audit.outcomes import Outcome, Rate
from lowkey_core.plugins import Kind
from lowkey_core.types import Pictures


@dataclass(frozen=True)
class Searches:
    """What a trial searches for, and in what."""

    scored: tuple[int, ...]
    """Identities, in the order of every rate per person."""
    clean: Pictures
    """Clean probes of the scored people: the control searches them."""
    probes: Pictures
    """The probes that are searched among cloaked pictures: the same, unless the scenario cloaks
    them."""
    calibration: Pictures
    """Of people in nobody's training and no gallery, on whom thresholds are set; may be empty."""
    scraped: Pictures
    """What was scraped in the cloaked arm. The control scraped the same pictures in the same order,
    all of them clean."""
    changed: Tensor
    """(n_scraped,) bool: published cloaked."""
    before: Pictures = field(kw_only=True)
    """Those, as the control scraped them. A copy may have another name than its photo."""
    others: Pictures = field(default_factory=lambda: Pictures(()))
    """Clean probes of unprotected people who are enrolled; may be empty."""


class Measure(Protocol):
    """Compares what an adversary made of a clean and of a cloaked gallery."""

    def __call__(
        self, control: System, cloaked: System, searches: Searches, /
    ) -> dict[str, Outcome]:
        """Outcomes by name. Rates over `scored` are joined over a scenario's trials; any other
        rate is over everybody enrolled, and the first trial's; a value is their mean, weighted by
        the people scored. Of several splits, rates of both kinds are pooled. Empty where it does
        not apply. Raises: NotPossibleError where it would, but cannot count: the report says why.
        """
        ...


MEASURES: Kind[Measure] = Kind("measure", "audit.measures")


def rate(hits: Tensor, identities: Tensor, people: Sequence[int]) -> Rate:
    """Hits (n,) bool of pictures of `identities` (n,), counted for each of `people`."""
    mine = [identities == who for who in people]
    return Rate(
        hits=tuple(int(hits[m].sum()) for m in mine), trials=tuple(int(m.sum()) for m in mine)
    )
