"""Adversaries in order of strength."""

from __future__ import annotations

from audit.ranking import FIRST, ranking
from audit.records import CloakRecord
from audit.report import AuditReport
from reports.parts import words
from reports.parts.layout import Table, rate


def strongest(report: AuditReport, cloak: CloakRecord) -> Table:
    """Of one cloak."""
    several = f" ({cloak.attack})" if len(report.cloaks) > 1 else ""
    return Table(
        f"{FIRST}{several}",
        ("adversary", "with", "protection", "control (clean gallery)"),
        tuple(
            (f.cell.adversary, f.cell.recogniser, words.protection(f), rate(f.control))
            for f in ranking(report, cloak.attack)
        ),
        "Pictures as published; of each adversary its best recogniser, strongest first. Where "
        "intervals overlap, the order may be chance.",
    )
