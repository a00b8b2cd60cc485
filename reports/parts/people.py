"""Who is protected best, and who worst."""

from __future__ import annotations

from audit.findings import Finding, cells
from audit.records import CloakRecord
from audit.report import AuditReport
from reports.parts.layout import Table

SHOWN = 5
"""People at either end."""


def extremes(report: AuditReport, cloak: CloakRecord) -> Table:
    """Searches for each person that failed, of all adversaries and recognisers whose control
    holds; without rows where a report names nobody."""
    several = f" ({cloak.attack})" if len(report.cloaks) > 1 else ""
    found = cells(report, attack=cloak.attack, transform="none")
    kept = [cell for cell in found if Finding("", cell).conclusive]
    people = []
    for i, name in enumerate(report.people):
        missed = [
            (cell.identified.trials[i] - cell.identified.hits[i], cell.identified.trials[i])
            for cell in kept
            if not cell.detected[i]
        ]
        by = [cell.adversary for cell in kept if cell.detected[i]]
        misses, trials = sum(m for m, _ in missed), sum(n for _, n in missed)
        if trials or by:
            shown = f"{misses / trials:.2f} ({misses} of {trials})" if trials else "-"
            told = ", ".join(dict.fromkeys(by)) or "nobody"
            people.append((misses / trials if trials else -1.0, (name, shown, told)))
    people.sort(key=lambda person: -person[0])
    ends = people if len(people) <= 2 * SHOWN else [*people[:SHOWN], *people[-SHOWN:]]
    return Table(
        f"Who is protected best, and who worst?{several}",
        ("person", "searches that failed", "detected by"),
        tuple(row for _, row in ends),
        f"Best first{f', {SHOWN} at either end' if len(people) > len(ends) else ''}. All "
        "adversaries and recognisers whose control holds, pictures as published.",
    )
