"""What a gate's condition selects of a report, and what makes it inconclusive. No torch."""

from __future__ import annotations

from collections.abc import Sequence

from audit.findings import MIN_CONTROL, cells
from audit.outcomes import FLAGGED, Cell, Outcome
from audit.policy import SELECTORS, Condition, Patterns, matches
from audit.records import Quality
from audit.report import AuditReport
from lowkey_core.errors import GateError, brief, some

FIELDS = {name: "attack" if name == "cloak" else name for name in SELECTORS}
"""From a selector to a cell's field."""


def selected(condition: Condition, report: AuditReport) -> list[Cell]:
    """The cells that a condition is about: of audited cloaks, never of their controls.

    Raises: GateError if a name selects nothing, or nothing of a cloak is selected.
    """
    known = _named(condition, report)
    found = [cell for cell in known if _of_kind(condition, report, cell)]
    for selector, field in FIELDS.items():
        for pattern in getattr(condition, selector) or ():
            if not any(matches(pattern, getattr(cell, field)) for cell in found):
                raise _nothing(condition, report, selector, pattern)
    for cloak in _cloaks(condition, report):
        if not any(cell.attack == cloak for cell in found):
            raise _nothing(condition, report, "cloak", cloak)
    return found


def _named(condition: Condition, report: AuditReport) -> list[Cell]:
    first = report.plan.publish.scenarios[0]
    names = dict.fromkeys(cell.scenario for cell in report.cells)
    scenarios = [n for n in names if _any(condition.scenario, n)] if condition.scenario else [first]
    found = []
    for scenario in scenarios:
        if condition.matcher is None:
            found += cells(report, scenario=scenario)
        else:
            kept = (n for n in {c.matcher: 0 for c in report.cells} if _any(condition.matcher, n))
            found += [c for n in kept for c in cells(report, scenario=scenario, matcher=n)]
    given = {f: p for s, f in FIELDS.items() if (p := getattr(condition, s)) is not None}
    return [c for c in found if all(_any(p, getattr(c, f)) for f, p in given.items())]


def _of_kind(condition: Condition, report: AuditReport, cell: Cell) -> bool:
    relation, flagged = report.relation(cell), cell.outcomes.get(FLAGGED, Outcome())
    if condition.newer is not None and relation.newer != condition.newer:
        return False
    if condition.held_out is not None and relation.held_out is not condition.held_out:
        return False
    if condition.judge == "tpr":
        return flagged.cloaked is not None
    return condition.judge != "fpr" or flagged.control is not None


def _any(patterns: Patterns | None, name: str) -> bool:
    return patterns is None or any(matches(pattern, name) for pattern in patterns)


def _cloaks(condition: Condition, report: AuditReport) -> list[str]:
    return [c.attack for c in report.cloaks if _any(condition.cloak, c.attack)]


def quality(
    condition: Condition, report: AuditReport, *, every: bool = True
) -> list[tuple[str, Quality]]:
    """How visible each selected cloak is. every: else those of all cloaks, whatever is selected.

    Raises: GateError if a name selects nothing.
    """
    for pattern in condition.cloak or () if every else ():
        if not any(matches(pattern, cloak.attack) for cloak in report.cloaks):
            raise _nothing(condition, report, "cloak", pattern)
    wanted = _cloaks(condition, report) if every else [c.attack for c in report.cloaks]
    found = []
    for cloak in (c for c in report.cloaks if c.attack in wanted):
        measured = [q for q in cloak.quality if q.attack == cloak.attack and q.pictures]
        if not measured:
            raise _nothing(condition, report, "cloak", cloak.attack)
        found.append((cloak.attack, measured[0]))
    return found


def _nothing(condition: Condition, report: AuditReport, selector: str, name: str) -> GateError:
    field = FIELDS[selector]
    audited = {cloak.attack for cloak in report.cloaks}
    there = dict.fromkeys(getattr(c, field) for c in report.cells if c.attack in audited)
    impossible = [
        f"{adversary.name} against {attack}: {why}"
        for adversary in report.adversaries
        for attack, why in adversary.impossible.items()
        if condition.adversary is not None and _any(condition.adversary, adversary.name)
    ]
    said = f" ({brief(impossible[0])})" if impossible else ""
    return GateError(
        f"the condition {condition.name!r} selects nothing for {selector} {name!r}{said}",
        expected=f"what this report measured together; {selector}: {some([*there])}",
        remedy="correct the condition, or audit what it is about",
    )


def counterpart(
    cloak: str, mine: Sequence[str], theirs: Sequence[str], baseline: AuditReport
) -> str:
    """The baseline's cloak that one is compared with: that of its name, or the only one of each.

    Raises: GateError.
    """
    if cloak in theirs:
        return cloak
    if len(mine) == len(theirs) == 1:
        return theirs[0]
    raise GateError(
        f"the baseline has no cloak called {cloak!r}",
        expected=f"one of {some([c.attack for c in baseline.cloaks])}, or one cloak in each run",
        remedy="select a cloak of both, or audit one cloak in each run",
    )


CONTROL = "control-fails"
"""The caveat that a condition on controls judges itself."""


def clouded(condition: Condition, report: AuditReport, cell: Cell | None) -> str:
    """Why no figure of the report, or of the cell, may be read as an answer; "" if any may."""
    judges_control = condition.judge == "control"
    if cell is not None and not judges_control and (cell.control.value or 0) < MIN_CONTROL:
        return (
            f"the control is broken: {cell.control.value or 0:.2f} of the clean probes are "
            f"recognised, less than {MIN_CONTROL}"
        )
    for caveat in report.caveats:
        if caveat.blocking and not (judges_control and caveat.code == CONTROL):
            return f"{caveat.code}: {caveat.text}"
    return ""
