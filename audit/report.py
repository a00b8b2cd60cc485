"""What an audit found. Every record is frozen, versioned, and survives JSON unchanged.

Counts are kept and rates derived, so that intervals can be computed again from a stored report.
Never imports torch: a stored report is rendered in a fraction of a second.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from audit import statistics
from audit.plan import AuditPlan
from lowkey_core.errors import AuditError
from lowkey_core.work.files import write_atomically

VERSION: Literal[1] = 1


class ReportError(AuditError):
    """A stored report that cannot be read."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Rate(_Record):
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


class Detection(_Record):
    """How well an adversary told cloaked pictures from clean ones, on identities new to it."""

    cloaked: Rate
    """Flagged cloaked pictures, per protected identity: its value is TPR, and recall."""
    clean: Rate
    """Flagged clean pictures, per enrolled identity: its value is FPR."""
    auc: float
    """Area under the ROC curve, cloaked pictures against every clean one."""

    @property
    def precision(self) -> float | None:
        """Share of flags that are right, were cloaked and clean pictures equally many."""
        tpr, fpr = self.cloaked.value, self.clean.value
        return tpr / (tpr + fpr) if tpr is not None and fpr is not None and tpr + fpr else None


class Cell(_Record):
    """One measurement of the grid."""

    attack: str
    """The audited cloak, or `noise`: its control at equal energy."""
    adversary: str
    recogniser: str
    released: datetime.date | None
    """When the recogniser became public; None if not stated."""
    newer: bool
    """Released after the cloak, and not one of the networks that it was optimised for."""
    held_out: bool | None
    """Shares no weights, teacher or training run with a surrogate; None if that is not stated."""
    shared_data: tuple[str, ...] = ()
    """Data sets that a surrogate was trained on, too."""
    matcher: str
    transform: str
    condition: Literal["all", "one"]
    """Everybody protected cloaks, or one person at a time does."""
    cloaked_share: float
    """Share of a protected identity's gallery that is cloaked."""
    control: dict[int, Rate]
    """Rank to identification rate of the protected identities' probes, clean gallery."""
    cloaked: dict[int, Rate]
    """The same probes, cloaked gallery. Unrecognised probes count as misses."""
    detected: tuple[bool, ...]
    """Per protected identity: the adversary dropped every picture as cloaked. Such a person is
    detected, not protected."""
    detection: Detection | None = None
    """None for an adversary that does not look for cloaks."""

    @property
    def protection(self) -> Rate:
        """1 - rank-1 identification, over the identities that were not detected."""
        return self.cloaked[1].of(tuple(not d for d in self.detected)).complement


class Quality(_Record):
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


class Card(_Record):
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


class Counts(_Record):
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


class Copies(_Record):
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


class Caveat(_Record):
    """A reason to doubt, or not to conclude at all."""

    code: str
    blocking: bool
    """True: the verdict is `inconclusive`."""
    text: str


class AuditReport(_Record):
    """All that an audit found, and all that is needed to repeat it."""

    version: Literal[1] = VERSION
    """Of this format."""
    plan: AuditPlan
    counts: Counts
    cloak_released: datetime.date | None
    """When the audited cloak became public; None if it does not say."""
    copies: Copies | None = None
    """None where the cloak was made here."""
    quality: tuple[Quality, ...]
    cells: tuple[Cell, ...]
    learned: dict[str, dict[str, float]]
    """Per adversary: what its training reports of itself."""
    impossible: dict[str, str] = {}
    """Per adversary that could not take part: why."""
    cards: tuple[Card, ...]
    caveats: tuple[Caveat, ...]
    environment: dict[str, str]
    """Versions of what computed this."""
    timings: dict[str, float]
    """Seconds per stage; the only part that differs between two runs of one plan."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """What every reader of a report may count on."""
        ranks, first = set(self.plan.ranks), self.recognisers[:1]
        for cell in self.cells:
            people = {len(r.trials) for r in (*cell.control.values(), *cell.cloaked.values())}
            if not set(cell.control) == set(cell.cloaked) == ranks:
                raise ValueError("a cell's ranks are not the plan's")
            if people | {len(cell.detected)} != {self.counts.protected}:
                raise ValueError("a cell is not of the protected identities")
        wanted = (self.plan.attack, self.plan.conditions[0], self.plan.matchers[0], "none")
        found = [
            (c.attack, c.condition, c.matcher, c.transform)
            for c in self.cells
            if c.adversary == "oblivious" and [c.recogniser] == first
        ]
        if wanted not in found:
            raise ValueError("the first recogniser was not measured")
        return self

    @property
    def recognisers(self) -> list[str]:
        """By name; every adversary starts from the first."""
        return [card.name for card in self.cards if card.role == "recogniser"]

    @property
    def verdict(self) -> Literal["measured", "inconclusive"]:
        """Whether the figures may be read as an answer."""
        return "inconclusive" if any(c.blocking for c in self.caveats) else "measured"

    def save(self, path: Path) -> None:
        """As JSON."""
        write_atomically(path, f"{self.model_dump_json(indent=1)}\n".encode())


def read(path: Path) -> AuditReport:
    """A stored report, from its file or its run's folder. Raises: ReportError."""
    file = path / "report.json" if path.is_dir() else path
    try:
        return AuditReport.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        detail = str(error).splitlines()[0]
        raise ReportError(
            f"{file} is not a report ({detail})",
            expected=f"the report of an audit, version {VERSION}",
            remedy="run the audit again, or name another folder",
        ) from error
