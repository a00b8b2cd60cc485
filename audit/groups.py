"""What holds of each group of people, from the counts per person of a report. Never imports torch.

A cloak, or a recogniser, may work for some and not for others; a mean over everybody hides it.
"""

from __future__ import annotations

from dataclasses import dataclass

from audit.findings import cells
from audit.outcomes import Cell, Rate
from audit.report import AuditReport

ENOUGH = 10
"""People in a group below which its figures say nothing (ours): with nine, all of whom are
protected, the interval still begins at 0.66."""


@dataclass(frozen=True)
class GroupFigure:
    """What holds of one group in one cell."""

    cell: Cell
    group: str
    """"" for the people whose group is not stated."""
    people: int
    """Of that group who were audited and not detected."""
    detected: int
    """Of that group whose every picture was dropped as cloaked."""
    protection: Rate
    """1 - rank-1 identification of those people."""
    control: Rate
    """Rank-1 identification of everybody in the group, in the clean gallery."""

    @property
    def enough(self) -> bool:
        """Whether there are people enough to say something of the group."""
        return self.people >= ENOUGH


def by_group(report: AuditReport) -> tuple[GroupFigure, ...]:
    """Each group's figures, as published, in the first scenario and by the first matcher; people
    whose group is not stated come last. None where the report states no groups."""
    named = sorted({*report.groups}, key=lambda group: (not group, group))
    return tuple(
        _figure(report, cell, group) for cell in cells(report, transform="none") for group in named
    )


def _figure(report: AuditReport, cell: Cell, group: str) -> GroupFigure:
    mine = tuple(g == group for g in report.groups)
    left = tuple(m and not gone for m, gone in zip(mine, cell.detected, strict=True))
    protection = cell.identified.of(left).complement
    return GroupFigure(
        cell=cell,
        group=group,
        people=sum(n > 0 for n in protection.trials),
        detected=sum(mine) - sum(left),
        protection=protection,
        control=cell.control.of(mine),
    )
