"""What an audit found. Never imports torch: a stored report is shown in a fraction of a second."""

from __future__ import annotations

import json
import operator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from audit.counts import Counts
from audit.fields import MOST_NAMES
from audit.outcomes import Cell, Many, Record, rank
from audit.plan import BASELINE, AuditPlan
from audit.records import (
    AdversaryRecord,
    Card,
    Caveat,
    CloakRecord,
    Comparison,
    RecogniserRecord,
    Relation,
    SplitRecord,
)
from audit.shown import MOST, Shown
from lowkey_core.errors import ReportError
from lowkey_core.work import documents
from lowkey_core.work.files import write_atomically

if TYPE_CHECKING:  # an extra
    from pandas import DataFrame

VERSION: Literal[2] = 2


PER_FACE = "a face with "
"""Before a cloak's name in the timings."""


class AuditReport(Record):
    """All that an audit found, and all that is needed to repeat it."""

    version: Literal[2] = VERSION
    """Of this format."""
    plan: AuditPlan
    counts: Counts
    cloaks: Many[CloakRecord] = Field(min_length=1, max_length=MOST_NAMES)
    """In the plan's order."""
    recognisers: Many[RecogniserRecord] = Field(min_length=1, max_length=MOST_NAMES)
    """In the plan's order: adversaries that start from one start from the first."""
    adversaries: Many[AdversaryRecord] = Field(max_length=MOST_NAMES + 1)
    """The baseline is always one more."""
    cells: Many[Cell]
    cards: Many[Card]
    caveats: Many[Caveat]
    environment: dict[str, str]
    """Versions of what computed this."""
    timings: dict[str, float]
    """Seconds per stage, and per face of each cloak (`PER_FACE`); the only part that differs
    between two runs of one plan."""
    people: Many[str] = ()
    """The protected identities, in the order of the cells' rates over them."""
    groups: Many[str] = ()
    """The group of each of them, "" where the data set does not state it; none where it states no
    groups."""
    enrolled: Many[str] = ()
    """Everybody in a gallery, in the order of rates over all of them."""
    comparisons: Many[Comparison] = ()
    """What differs on the same probes."""
    splits: Many[SplitRecord] = ()
    """What was pooled, in the order of seeds; none where the people were split once."""
    shown: Many[Shown] = Field((), max_length=MOST, exclude_if=operator.not_)
    """Photos to look at, the first split's; of real people only where that was asked for."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """What every reader of a report may count on."""
        known = {
            "attack": {n for c in self.cloaks for n in (c.attack, c.control) if n},
            "recogniser": {r.name for r in self.recognisers},
            "adversary": {a.name for a in self.adversaries},
        }
        for cell in self.cells:
            for field, names in known.items():
                if getattr(cell, field) not in names:
                    raise ValueError(f"a cell's {field} has no record")
            self._complete(cell, self.counts.protected)
        if self.splits and {n for s in self.splits for n in s.people} != set(self.people):
            raise ValueError("the splits are not of the protected identities")
        for split in self.splits:
            for cell in split.cells:
                self._complete(cell, len(split.people))
        for called, counted in (
            (self.people, self.counts.protected),
            (self.enrolled, self.counts.enrolled),
        ):
            if called and not len(called) == len(set(called)) == counted:
                raise ValueError("not every identity has one name")
        if self.groups and len(self.groups) != len(self.people):
            raise ValueError("not every protected identity has a group")
        measured = {(c.attack, c.adversary, c.recogniser, c.transform) for c in self.cells}
        for cloak in self.cloaks:
            if (cloak.attack, BASELINE, self.recognisers[0].name, "none") not in measured:
                raise ValueError("the first recogniser was not measured")
            if any(cloak.attack not in r.relations for r in self.recognisers):
                raise ValueError("a recogniser has no relation to a cloak")
        return self

    def _complete(self, cell: Cell, people: int) -> None:
        """Raises: ValueError if a rank is missing, or not of so many people."""
        if rank(cell.scored_at) not in cell.outcomes:
            raise ValueError("a cell lacks the rank at which it is scored")
        for k in {*self.ranks, cell.scored_at}:
            found = cell.outcomes.get(rank(k))
            if not (found and found.control and found.cloaked):
                raise ValueError("a cell lacks a rank at which it is read")
            counted = {len(found.control.trials), len(found.cloaked.trials)}
            if counted | {len(cell.detected)} != {people}:
                raise ValueError("a cell is not of the protected identities")

    @property
    def verdict(self) -> Literal["measured", "inconclusive"]:
        """Whether the figures may be read as an answer."""
        return "inconclusive" if any(c.blocking for c in self.caveats) else "measured"

    @property
    def ranks(self) -> tuple[int, ...]:
        """That every cell has: the plan's, and those at which adversaries are scored."""
        return tuple(sorted({*self.plan.measure.ranks, *(a.scored_at for a in self.adversaries)}))

    def relation(self, cell: Cell) -> Relation:
        """Of a cell's recogniser to its cloak; a control's is that of its cloak."""
        of = {c.control: c.attack for c in self.cloaks} | {c.attack: c.attack for c in self.cloaks}
        recogniser = next(r for r in self.recognisers if r.name == cell.recogniser)
        return recogniser.relations[of[cell.attack]]

    def adversary(self, name: str) -> AdversaryRecord:
        """The record of that name."""
        return next(a for a in self.adversaries if a.name == name)

    def to_frame(self) -> DataFrame:
        """As `audit.rows`: one row per outcome of every cell. Raises: PluginError without pandas,
        an extra of this distribution."""
        from audit.notebook import frame

        return frame(self)

    def _repr_html_(self) -> str:
        """The answers as a table: what a notebook shows."""
        from audit.notebook import table

        return table(self)

    def save(self, path: Path) -> None:
        """As JSON. Raises: StorageError."""
        write_atomically(path, f"{self.model_dump_json(indent=1)}\n".encode())


def read(path: Path) -> AuditReport:
    """A stored report, from its file or its run's folder. Raises: ReportError."""
    file, content = path / "report.json" if path.is_dir() else path, b""
    try:
        content = documents.content(file)
        return documents.parsed(content, AuditReport)
    except (OSError, ValueError) as error:
        version = _version(content)
        if isinstance(version, int) and version > VERSION:
            raise ReportError(
                f"{file} is not a report of version {VERSION} but of {version}",
                expected=f"version {VERSION}, the newest that this program knows",
                remedy="install the version that wrote it, or run the audit again",
            ) from error
        if version == 1:
            raise ReportError(
                f"{file} is a report of version 1",
                expected=f"version {VERSION}: cloaks, recognisers and adversaries have records",
                remedy="run the audit again; what it did not change is found in the cache",
            ) from error
        raise ReportError(
            f"{file} is not a report ({error})",
            expected=f"the report of an audit, version {VERSION}",
            remedy="run the audit again, or name another folder",
        ) from error


def _version(content: bytes) -> object:
    try:
        written = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return written.get("version") if isinstance(written, dict) else None
