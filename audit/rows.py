"""A report as tidy data: one row per outcome of every cell. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterator

from audit.further import Figure
from audit.outcomes import Cell, Rate, rank
from audit.report import AuditReport

Value = str | int | float | bool | None
COLUMNS = (
    *("cloak", "is_control", "adversary", "recogniser", "matcher", "scenario", "transform"),
    *("newer", "held_out", "cloaked_share", "outcome", "people", "detected"),
    *(f"{arm}{end}" for arm in ("clean", "cloaked") for end in ("", "_low", "_high")),
    *(f"{arm}{end}" for arm in ("clean", "cloaked") for end in ("_hits", "_trials")),
    *("protection", "protection_low", "protection_high", "value", "impossible"),
)
"""In this order. `clean` and `cloaked` are rates against either gallery, with 95% intervals over
identities; where recognition is counted, `cloaked` leaves out who was detected. `protection` is
1 - identification, in the row of the rank at which the cell is read: rank 1, but for adversaries
that name several candidates. `value` is what is no rate. `impossible`
says why there is no figure."""


def rows(report: AuditReport) -> Iterator[dict[str, Value]]:
    """Cell by cell, in the order of the report; then what an adversary could not do at all. Every
    row has all of `COLUMNS`, None where there is nothing to say."""
    controls = {cloak.control for cloak in report.cloaks}
    for cell in report.cells:
        relation = report.relation(cell)
        where = {
            "cloak": cell.attack,
            "is_control": cell.attack in controls,
            **{k: v for k, v in cell.place._asdict().items() if k in COLUMNS},
            "newer": relation.newer,
            "held_out": relation.held_out,
            "cloaked_share": cell.cloaked_share,
            "people": len(cell.detected),
            "detected": sum(cell.detected),
        }
        for name, outcome in cell.outcomes.items():
            yield _row(where, **_counted(cell, Figure(cell, name, outcome)))
        for measure, why in cell.impossible.items():
            yield _row(where, outcome=measure, impossible=why)
    for adversary in report.adversaries:
        for attack, why in adversary.impossible.items():
            yield _row({"cloak": attack, "adversary": adversary.name}, impossible=why)


def _row(where: dict[str, Value], **more: Value) -> dict[str, Value]:
    return {**dict.fromkeys(COLUMNS), **where, **more}


def _counted(cell: Cell, figure: Figure) -> dict[str, Value]:
    found: dict[str, Value] = {"outcome": figure.name, "value": figure.value}
    for arm, rate in (("clean", figure.control), ("cloaked", figure.cloaked)):
        if rate is not None:
            counted = {f"{arm}_hits": sum(rate.hits), f"{arm}_trials": sum(rate.trials)}
            found |= {**_interval(arm, rate), **counted}
    if figure.name == rank(cell.scored_at):
        found |= _interval("protection", cell.protection)
    return found


def _interval(name: str, rate: Rate) -> dict[str, Value]:
    if rate.value is None:
        return {}
    low, high = rate.interval
    return {name: rate.value, f"{name}_low": low, f"{name}_high": high}
