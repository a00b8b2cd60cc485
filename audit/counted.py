"""A check's answer: of one person's photos, how many each adversary finds. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from audit.findings import ADAPTIVE, cells
from audit.outcomes import FLAGGED, FOUND, Cell, Outcome
from audit.plan import BASELINE
from audit.records import RecogniserRecord
from audit.report import AuditReport

DETECTION = "detection"


@dataclass(frozen=True)
class Found:
    """What one adversary finds with one recogniser, of a person's clean photos."""

    cell: Cell
    recogniser: RecogniserRecord
    before: int
    """Photos that find their person while the published ones are clean."""
    after: int
    """And while they are cloaked."""
    photos: int
    """Searched for in either."""
    dropped: bool
    """The adversary dropped all published photos of the person as cloaked."""


@dataclass(frozen=True)
class Flagged:
    """What a detector of cloaks says of a person's published photos."""

    cloaked: int
    """Cloaked photos that it flags."""
    clean: int
    """Of the same photos without a cloak: false alarms."""
    photos: int


@dataclass(frozen=True)
class Person:
    """A person's part of a report."""

    name: str
    report: AuditReport
    index: int
    """Of the person in every rate."""

    @property
    def published(self) -> int:
        """Photos that were published cloaked."""
        rate = self.report.cells[0].outcomes.get(FOUND, Outcome()).control
        return rate.trials[self.index] if rate else 0

    def found(self, adversary: str, transform: str = "none") -> tuple[Found, ...]:
        """By an adversary, with each recogniser that it started from, the oldest first."""
        known = {r.name: r for r in self.report.recognisers}
        return tuple(
            self._found(cell, known[cell.recogniser])
            for cell in cells(self.report, adversary=adversary, transform=transform)
            if cell.attack == self.report.cloaks[0].attack
        )

    def _found(self, cell: Cell, recogniser: RecogniserRecord) -> Found:
        before, after, i = cell.control, cell.identified, self.index
        return Found(
            cell, recogniser, before.hits[i], after.hits[i], after.trials[i], cell.detected[i]
        )

    @property
    def oldest(self) -> Found:
        """The oldest recogniser here, as it is."""
        return self.found(BASELINE)[0]

    @property
    def newest(self) -> Found | None:
        """The newest of those that others published; None if that is the oldest, too."""
        found = [f for f in self.found(BASELINE)[1:] if not f.recogniser.embedded]
        return found[-1] if found else None

    @property
    def small(self) -> tuple[Found, ...]:
        """The small networks of this project."""
        return tuple(f for f in self.found(BASELINE) if f.recogniser.embedded)

    @property
    def retrained(self) -> Found | None:
        """Who retrained a recogniser on the tool's own output; None where nobody could."""
        return next(iter(self.found(ADAPTIVE)), None)

    @property
    def filtered(self) -> Found | None:
        """Who dropped what a detector of cloaks flags; None where nobody could."""
        return next(iter(self.found(DETECTION)), None)

    @property
    def flagged(self) -> Flagged | None:
        """What that detector says; None where there is none."""
        filtered = self.filtered
        outcome = filtered.cell.outcomes.get(FLAGGED) if filtered else None
        if outcome is None or outcome.cloaked is None or outcome.control is None:
            return None
        clean = outcome.control.hits[self.report.enrolled.index(self.name)]
        hits, trials = outcome.cloaked.hits[self.index], outcome.cloaked.trials[self.index]
        return Flagged(hits, clean, trials)

    def impossible(self, adversary: str) -> str:
        """Why that adversary could not take part; "" if it did."""
        attack = self.report.cloaks[0].attack
        return self.report.adversary(adversary).impossible.get(attack, "")


def people(report: AuditReport) -> Iterator[Person]:
    """Everybody who was audited. report: of one split and one cloak."""
    for index, name in enumerate(report.people):
        yield Person(name, report, index)
