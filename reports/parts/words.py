"""How a figure is put into words."""

from __future__ import annotations

from audit.findings import JPEG, NEWER, UNSEEN, Finding
from audit.outcomes import Cell
from audit.report import AuditReport
from reports.parts.layout import rate


def what(report: AuditReport, finding: Finding) -> str:
    """Where a figure is from, in the words of its question."""
    cell, question = finding.cell, finding.question
    if question == JPEG:
        return "as published" if cell.transform == "none" else f"after {cell.transform}"
    if question == NEWER:
        released = next(r.released for r in report.recognisers if r.name == cell.recogniser)
        return f"{cell.recogniser} ({f'{released:%Y-%m}' if released else 'not stated'})"
    adversary = report.adversary(cell.adversary)
    said = f"{cell.recogniser} {adversary.phrase}".rstrip()
    if taught := adversary.learned_about.get(cell.attack):
        said += f", having seen {taught} only"
    if question == UNSEEN:
        said = cell.recogniser
    said = scored(said, cell.scored_at)
    return said + ("" if cell.transform == "none" else f", {cell.transform}")


def scored(said: str, rank: int) -> str:
    """Of whom it is said, and at which rank the figures are read, if that is not the first."""
    return said if rank == 1 else f"{said} (at rank {rank})"


def protection(finding: Finding) -> str:
    """Of the people who were not detected, and how many were."""
    if not finding.conclusive:
        return "inconclusive"
    shown = [rate(finding.protection)] if finding.protection.value is not None else []
    people = len(finding.cell.detected)
    found = detected(finding.cell, f" of {people} people detected")
    return "; ".join([*shown, *([found] if found else [])])


def detected(cell: Cell, said: str = " detected") -> str:
    """How many people were; "" if nobody was."""
    always, at_times = sum(cell.detected), cell.detected_at_times
    if not at_times:
        return f"{always}{said}" if always else ""
    return f"{always}{said}, {at_times} more in some splits"
