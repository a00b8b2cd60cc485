"""What measures beside ranks and detection counted, as numbers. Never imports torch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from audit.outcomes import (
    DETECTED,
    FLAGGED,
    FOUND,
    PRECISION,
    TPR_AT_1,
    Cell,
    Outcome,
    Rate,
    rank,
    recognises,
)
from audit.report import AuditReport


@dataclass(frozen=True)
class Figure:
    """What one measure counted in one cell."""

    cell: Cell
    name: str
    """The outcome's."""
    outcome: Outcome

    @property
    def recognises(self) -> bool:
        """Whether it counts who is recognised."""
        return recognises(self.name)

    @property
    def control(self) -> Rate | None:
        """Against the clean gallery."""
        return self.outcome.control

    @property
    def cloaked(self) -> Rate | None:
        """Against the cloaked one; who was detected is neither recognised nor protected, and left
        out where recognition is counted."""
        found = self.outcome.cloaked
        if found is None or not self.recognises or len(found.trials) != len(self.cell.detected):
            return found
        return found.of(tuple(not gone for gone in self.cell.detected))

    @property
    def value(self) -> float | None:
        """What is no rate."""
        return self.outcome.value


@dataclass(frozen=True)
class Gap:
    """A measure that could not count, and why."""

    measure: str
    why: str
    cells: int
    """In so many cells."""
    of: int
    """Of so many."""


def figures(report: AuditReport) -> tuple[Figure, ...]:
    """Cell by cell, in the order of the report; without the ranks, detection and faces found."""
    known = {rank(k) for k in report.plan.measure.ranks}
    known |= {DETECTED, FLAGGED, FOUND, PRECISION, TPR_AT_1}
    return tuple(
        Figure(cell, name, outcome)
        for cell in report.cells
        for name, outcome in cell.outcomes.items()
        if name not in known
    )


def impossible(report: AuditReport) -> tuple[Gap, ...]:
    """What could not be counted, each reason once."""
    found = Counter(each for cell in report.cells for each in cell.impossible.items())
    return tuple(Gap(*each, count, len(report.cells)) for each, count in found.items())
