"""Which adversary breaks a cloak first: the strongest of each kind, in order."""

from __future__ import annotations

from audit.findings import Finding, cells
from audit.report import AuditReport

FIRST = "Which adversary breaks it first?"


def ranking(report: AuditReport, attack: str) -> tuple[Finding, ...]:
    """Of each adversary its best figure against a cloak, over recognisers: the least protection of
    pictures as published, in the first scenario and by the first matcher. Strongest first.

    Left out are adversaries without a conclusive figure, and those who dropped the pictures of
    everybody: whom they would have recognised is not known.
    """
    best: dict[str, tuple[float, Finding]] = {}
    for cell in cells(report, attack=attack, transform="none"):
        finding, value = Finding(FIRST, cell), cell.protection.value
        if value is None or not finding.conclusive:
            continue
        if cell.adversary not in best or value < best[cell.adversary][0]:
            best[cell.adversary] = (value, finding)
    return tuple(finding for _, finding in sorted(best.values(), key=lambda found: found[0]))
