"""Several cloaks in one table: protection against each recogniser, beside what it costs."""

from __future__ import annotations

from audit.outcomes import Cell
from audit.plan import BASELINE
from audit.records import CloakRecord
from audit.report import PER_FACE, AuditReport
from reports.parts import words
from reports.parts.layout import NOT_MEASURED, Table, rate


def cloaks(report: AuditReport) -> Table:
    """Of pictures as published, under the plan's first scenario and matcher."""
    names = [r.name for r in report.recognisers]
    others = [a for a in report.adversaries if not a.baseline]
    learned = [a.name for a in others]
    after = [words.scored(f"after {a.name}", a.scored_at) for a in others]
    heads = ("cloak", *names, *after, "DSSIM", "ST-LPIPS", "s per face")
    first = report.recognisers[0].name
    columns = [*((BASELINE, name) for name in names), *((a, first) for a in learned)]
    return Table(
        "Cloaks side by side",
        heads,
        tuple(
            (
                cloak.attack,
                *(_protection(report, cloak.attack, *column) for column in columns),
                *_price(report, cloak),
            )
            for cloak in report.cloaks
        ),
        f"Protection against each recogniser, and against {first} as other adversaries use it; "
        "pictures as published. Seconds are of the machine that made the cloaks.",
    )


def _protection(report: AuditReport, attack: str, adversary: str, recogniser: str) -> str:
    cell = _cell(report, attack, adversary, recogniser)
    return NOT_MEASURED if cell is None else rate(cell.protection)


def _cell(report: AuditReport, attack: str, adversary: str, recogniser: str) -> Cell | None:
    """The first: its transform is `none`, its scenario and its matcher the plan's first."""
    return next(
        (
            c
            for c in report.cells
            if (c.attack, c.adversary, c.recogniser) == (attack, adversary, recogniser)
            and c.transform == "none"
        ),
        None,
    )


def _price(report: AuditReport, cloak: CloakRecord) -> tuple[str, ...]:
    own, seconds = cloak.quality[0], report.timings.get(PER_FACE + cloak.attack)
    return (
        f"{own.dssim:.4f}",
        NOT_MEASURED if own.st_lpips is None else f"{own.st_lpips:.3f}",
        NOT_MEASURED if seconds is None else f"{seconds:.2f}",
    )
