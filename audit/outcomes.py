"""What was counted: rates per identity, outcomes by name, and the cells that hold them.

Counts are kept and rates derived, so that intervals can be computed again from a stored report.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator

from audit import statistics
from audit.curves import Curve

DETECTED, FLAGGED, FOUND = "detected", "flagged", "face found"
"""Outcomes that every reader knows, beside those of `rank`: people whose every picture was dropped
as cloaked, pictures that were flagged, pictures in which a face is still found where it was."""
INDEXED = "indexed by the service"
"""Outcome of services: of the pictures published cloaked, those that have a face by its eye."""
ACCURACY = "unprotected people found"
"""Outcome of `accuracy`."""
RECALL = "recall of the search"
"""Outcome of a matcher that looks at some pictures only, a value: of the people that an exact
search finds, the share that it finds."""
PRECISION, TPR_AT_1 = "precision", "tpr at 1% fpr"
"""Further outcomes of detection; each is a value."""


def rank(k: int) -> str:
    """The name of the outcome: rank-k identification."""
    return f"rank-{k}"


def found_at(fpir: str) -> str:
    """The name of the outcome: identification in an open set. fpir: `1%`."""
    return f"found at {fpir} FPIR"


def verified_at(fmr: str) -> str:
    """The name of the outcome: verification. fmr: `0.1%`."""
    return f"verified at {fmr} FMR"


def recognises(name: str) -> bool:
    """Whether an outcome of that name counts who is recognised: a person whose every picture was
    dropped is detected, and neither recognised nor protected."""
    return name.startswith(("rank-", "found at ", "verified at "))


MOST_POINTS = 64
"""Of a curve."""
Count = Annotated[int, Field(ge=0, lt=2**31)]
"""How many; of so few digits that any reader can count with it."""
T = TypeVar("T")
Many = Annotated[tuple[T, ...], FailFast()]
"""Of which the first that is wrong is told, and no other looked at."""


class Record(BaseModel):
    """Part of a report."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Rate(Record):
    """A rate, one entry per identity: the identity is the unit of statistics."""

    hits: Many[Count]
    trials: Many[Count]

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if len(self.hits) != len(self.trials):
            raise ValueError("hits and trials are not of the same identities")
        if not all(0 <= h <= n for h, n in zip(self.hits, self.trials, strict=True)):
            raise ValueError("more hits than trials, or fewer than none")
        return self

    @property
    def value(self) -> float | None:
        """Hits over trials; None without trials."""
        return sum(self.hits) / sum(self.trials) if sum(self.trials) else None

    @property
    def interval(self) -> tuple[float, float]:
        """95%, with the identity as the unit."""
        return statistics.interval(self.hits, self.trials)

    @property
    def complement(self) -> Rate:
        """The rate of misses."""
        misses = tuple(n - h for h, n in zip(self.hits, self.trials, strict=True))
        return Rate(hits=misses, trials=self.trials)

    def of(self, identities: tuple[bool, ...]) -> Rate:
        """The same rate over some of the identities."""
        kept = [(h, n) for h, n, k in zip(self.hits, self.trials, identities, strict=True) if k]
        return Rate(hits=tuple(h for h, _ in kept), trials=tuple(n for _, n in kept))

    def join(self, other: Rate) -> Rate:
        """Of these identities, then of the others."""
        return Rate(hits=self.hits + other.hits, trials=self.trials + other.trials)


def together(names: Sequence[str], parts: Iterable[tuple[Sequence[str], Rate]]) -> Rate:
    """The counts of each of `names`, one entry each, summed over rates of identities called so."""
    hits, trials = Counter[str](), Counter[str]()
    for called, rate in parts:
        for who, h, n in zip(called, rate.hits, rate.trials, strict=True):
            hits[who] += h
            trials[who] += n
    return Rate(hits=tuple(hits[n] for n in names), trials=tuple(trials[n] for n in names))


class Outcome(Record):
    """What a measure counted, in both arms."""

    control: Rate | None = None
    """Against the clean gallery."""
    cloaked: Rate | None = None
    """Against the cloaked one: of the protected people."""
    value: float | None = None
    """What is no rate, such as an area under a curve."""
    curve: Curve = Field((), max_length=MOST_POINTS, exclude_if=operator.not_)
    """Whose area it is; written where there is one."""


class Place(NamedTuple):
    """What tells the cells of a grid apart."""

    attack: str
    adversary: str
    recogniser: str
    matcher: str
    transform: str
    scenario: str


class Cell(Record):
    """One measurement of the grid. Its names are those of the report's records."""

    attack: str
    """The audited cloak, or its control: noise at its energy."""
    adversary: str
    recogniser: str
    matcher: str
    transform: str
    scenario: str
    cloaked_share: float
    """Share of the protected people's pictures that was cloaked, over the scenario's trials."""
    scored_at: int = Field(1, ge=1, lt=2**31)
    """The rank at which identification is read: how many candidates the adversary names as its
    answer. The same in both arms."""
    outcomes: dict[str, Outcome]
    """By name: `rank-1` and so on, `detected`, `flagged`, and what further measures count."""
    impossible: dict[str, str] = Field(default_factory=dict)
    """By measure that could not count: why."""

    @property
    def place(self) -> Place:
        """Where it is in the grid."""
        return Place(*(getattr(self, field) for field in Place._fields))

    @property
    def control(self) -> Rate:
        """Identification of the protected people's clean probes in the clean gallery: at rank 1,
        unless the adversary names more than one candidate."""
        found = self.outcomes[rank(self.scored_at)].control
        assert found is not None, "a report is read only if it is there"
        return found

    @property
    def identified(self) -> Rate:
        """The same probes in the cloaked gallery. What is not recognised counts as a miss."""
        found = self.outcomes[rank(self.scored_at)].cloaked
        assert found is not None, "a report is read only if it is there"
        return found

    @property
    def detected(self) -> tuple[bool, ...]:
        """Per protected person: the adversary dropped every picture as cloaked, in each split in
        which the person is. Such a person is detected, not protected."""
        return tuple(0 < h == n for h, n in self._dropped)

    @property
    def detected_at_times(self) -> int:
        """People who were detected in some of their splits: they count as protected, or not, by
        their probes in the others."""
        return sum(0 < h < n for h, n in self._dropped)

    @property
    def _dropped(self) -> list[tuple[int, int]]:
        """Per protected person: in how many splits every picture was dropped, and of how many."""
        dropped = self.outcomes.get(DETECTED, Outcome()).cloaked
        people = len(self.control.hits)
        return [*zip(dropped.hits, dropped.trials, strict=True)] if dropped else [(0, 1)] * people

    @property
    def protection(self) -> Rate:
        """1 - identification, over the identities that were not detected."""
        return self.identified.of(tuple(not d for d in self.detected)).complement
