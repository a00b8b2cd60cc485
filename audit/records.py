"""The records that a report is made of. Each is frozen, and survives JSON unchanged.

Counts are kept and rates derived, so that intervals can be computed again from a stored report.
Fields that later versions add are optional. Never imports torch.
"""

from __future__ import annotations

import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from audit import statistics

DETECTED, FLAGGED = "detected", "flagged"
"""Outcomes that every reader knows, beside those of `rank`."""


def rank(k: int) -> str:
    """The name of the outcome: rank-k identification."""
    return f"rank-{k}"


class Record(BaseModel):
    """Part of a report."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Rate(Record):
    """A rate, one entry per identity: the identity is the unit of statistics."""

    hits: tuple[int, ...]
    trials: tuple[int, ...]

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


class Outcome(Record):
    """What a measure counted, in both arms."""

    control: Rate | None = None
    """Against the clean gallery."""
    cloaked: Rate | None = None
    """Against the cloaked one: of the protected people."""
    value: float | None = None
    """What is no rate, such as an area under a curve."""


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
    outcomes: dict[str, Outcome]
    """By name: `rank-1` and so on, `detected`, `flagged`, and what further measures count."""

    @property
    def control(self) -> Rate:
        """Rank-1 identification of the protected people's clean probes in the clean gallery."""
        found = self.outcomes[rank(1)].control
        assert found is not None, "a report is read only if it is there"
        return found

    @property
    def identified(self) -> Rate:
        """The same probes in the cloaked gallery. What is not recognised counts as a miss."""
        found = self.outcomes[rank(1)].cloaked
        assert found is not None, "a report is read only if it is there"
        return found

    @property
    def detected(self) -> tuple[bool, ...]:
        """Per protected person: the adversary dropped every picture as cloaked. Such a person is
        detected, not protected."""
        dropped = self.outcomes.get(DETECTED, Outcome()).cloaked
        return tuple(h > 0 for h in dropped.hits) if dropped else (False,) * len(self.control.hits)

    @property
    def protection(self) -> Rate:
        """1 - rank-1 identification, over the identities that were not detected."""
        return self.identified.of(tuple(not d for d in self.detected)).complement


class Quality(Record):
    """How visible a cloak is on the face, as published (8-bit), over the protected gallery."""

    attack: str
    pictures: int
    dssim: float
    """Mean (1 - SSIM) / 2, on the aligned face."""
    dssim_max: float
    psnr: float
    """Mean, dB."""
    l2: float
    """Mean L2 norm of the change, pixels in [0, 1]."""
    linf: float
    """Largest change of any pixel of any picture, in [0, 1]."""
    lpips: float | None
    """Mean; None where LPIPS has no trunk."""


class Copies(Record):
    """Cloaked copies that were not made here but found in a folder."""

    folder: str
    matched: int
    """Pictures of the protected gallery with a usable copy."""
    missing: tuple[str, ...]
    """Those without a copy. They count as uncloaked."""
    unusable: tuple[str, ...]
    """Those whose copy cannot be read, or does not show their face. They count as uncloaked."""
    background: int
    """Pictures of the background with a usable copy: what adversaries may learn from."""


class CloakRecord(Record):
    """An audited cloak."""

    attack: str
    """Its canonical name."""
    control: str | None
    """The name of its control, noise at its energy; None if it is noise itself."""
    released: datetime.date | None
    """When it became public; None if it does not say."""
    notes: tuple[str, ...]
    """What it says of itself."""
    surrogates: tuple[str, ...] | None
    """The networks that it was optimised against; None: not known."""
    quality: tuple[Quality, ...]
    """Of the cloak, and of its control."""
    copies: Copies | None = None
    """None where the cloak was made here."""


class Relation(Record):
    """What a recogniser has to do with a cloak."""

    newer: bool
    """Released after the cloak, and not one of the networks that it was optimised against."""
    held_out: bool | None
    """Shares no weights, teacher or training run with a surrogate; None if that is not stated."""
    shared_data: tuple[str, ...] = ()
    """Data sets that a surrogate was trained on, too."""


class RecogniserRecord(Record):
    """A recogniser that an adversary may have."""

    name: str
    released: datetime.date | None
    """When it became public; None if not stated."""
    relations: dict[str, Relation]
    """By audited cloak."""


class AdversaryRecord(Record):
    """An adversary, as it says of itself."""

    name: str
    question: str
    phrase: str
    baseline: bool
    """It never ran the cloaking tool, and tried every recogniser."""
    learned: dict[str, dict[str, float]] = {}
    """By audited cloak, what its training reports of itself."""
    impossible: dict[str, str] = {}
    """By audited cloak that it could not take on: why."""


class Card(Record):
    """A network that took part, and the file its weights were verified against."""

    name: str
    role: str
    """`surrogate`, `recogniser`, `face detector` or `perceptual metric`."""
    sha256: str
    """"" for a network without a file of its own."""
    source: str
    licence: str
    released: datetime.date | None
    trained_on: str
    preprocessing: str = "not stated"
    """What becomes of the aligned face, x in [0, 1], before the first layer."""
    first_seen: bool = False
    """Nobody published the whole digest: `sha256` is that of the first fetch on this machine."""


class Counts(Record):
    """What was looked at. Nothing is dropped without being counted."""

    dataset: str
    protected: int
    """Identities whose protection was measured."""
    without_pictures: int = 0
    """Protected identities left out, as no face of theirs was found to enrol or to search."""
    probes: int
    gallery: int
    """Pictures enrolled, of everybody."""
    enrolled: int
    """Identities in the gallery."""
    background_identities: int
    background_pictures: int
    no_face: tuple[str, ...]
    """Pictures in which no face was found."""
    unreadable: tuple[str, ...]
    """Files that are not pictures we accept."""
    unreadable_reasons: dict[str, int] = {}
    """How many of them for each reason."""
    duplicates: tuple[str, ...] = ()
    """Pictures left out of gallery or background: the same picture is a probe, or takes part
    elsewhere."""
    protectable: int = 0
    """Identities with pictures enough to be protected."""
    too_few_pictures: int = 0
    """Identities of the data set with fewer."""


class Caveat(Record):
    """A reason to doubt, or not to conclude at all."""

    code: str
    blocking: bool
    """True: the verdict is `inconclusive`."""
    text: str
