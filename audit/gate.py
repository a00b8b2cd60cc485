"""Whether a report meets a policy. Never imports torch.

A condition passes if the worse end of every selected cell's interval satisfies it, fails if the
better end of one violates it, and is inconclusive otherwise. Worse ends hold with 97.5% each.
Better ends hold with 97.5% for all selected cells together (Bonferroni), so that a condition on
thirty cells does not fail for noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from audit import across, statistics
from audit.outcomes import FLAGGED, Cell, Outcome, Place, Rate
from audit.policy import VISIBLE, Condition, Policy
from audit.report import AuditReport
from audit.selection import clouded, counterpart, quality, selected
from lowkey_core.errors import GateError, setting

Result = Literal["pass", "fail", "inconclusive"]
CODES: dict[Result, int] = {"pass": 0, "fail": 1, "inconclusive": 3}
"""Exit codes. That of an error is 2."""
WRONG = statistics.TAIL
"""How often, at most, a condition passes that the truth just violates."""


@dataclass(frozen=True)
class Compared:
    """One figure that was held against a condition."""

    cloak: str
    place: Place | None
    """Of its cell; None for DSSIM."""
    figure: float | None
    """None if nobody is left to count."""
    ends: tuple[float, float] | None
    """Lower and upper; None where no interval is known, as the report holds a mean alone."""
    people: int
    probes: int
    """Or pictures."""
    result: Result
    why: str = ""
    """Why it is inconclusive whatever the figure, or what else a reader must know."""
    control: float | None = None
    before: float | None = None
    """The baseline's figure; `figure` and `ends` are then of the difference."""


@dataclass(frozen=True)
class Judgement:
    """A condition, and all that was held against it."""

    condition: Condition
    compared: tuple[Compared, ...]

    @property
    def result(self) -> Result:
        """The worst of its figures."""
        return worst([c.result for c in self.compared])


@dataclass(frozen=True)
class Verdict:
    """What a gate says of a report."""

    judgements: tuple[Judgement, ...]

    @property
    def result(self) -> Result:
        """`fail` if a condition fails, else `inconclusive` if one is."""
        return worst([j.result for j in self.judgements])

    @property
    def code(self) -> int:
        """Of a process that ends with it."""
        return CODES[self.result]


def worst(results: Sequence[Result]) -> Result:
    """Fail before inconclusive before pass."""
    order: tuple[Result, ...] = ("fail", "inconclusive", "pass")
    return next(result for result in order if result in results)


def judge(policy: Policy, report: AuditReport, baseline: AuditReport | None = None) -> Verdict:
    """Raises: GateError if a condition selects nothing, or needs a baseline; UnlikeRunsError if
    the baseline is of another plan."""
    check_baseline(policy, given=baseline is not None)
    if baseline is not None:
        across.must_be_alike(report, baseline)
    return Verdict(tuple(Judgement(c, judged(c, report, baseline)) for c in policy.gate))


def check_baseline(policy: Policy, *, given: bool) -> None:
    """Raises: GateError if conditions need a baseline that is not given, or the other way round."""
    if policy.against_baseline and not given:
        raise GateError(
            f"the condition {policy.against_baseline[0]!r} compares with a baseline",
            expected=f"{setting('baseline', 'RUN')}",
            remedy="name the run of the last release, or remove the condition",
        )
    if given and not policy.against_baseline:
        raise GateError(
            f"{setting('baseline')} was given, and no condition compares with it",
            expected="a condition with no_worse_by",
            remedy="add one, or leave the baseline out",
        )


def judged(
    condition: Condition, report: AuditReport, baseline: AuditReport | None
) -> tuple[Compared, ...]:
    """All that the condition selects, held against it. Raises: GateError, UnlikeRunsError."""
    if condition.judge in VISIBLE:
        return tuple(_visible(condition, report, baseline))
    cells = selected(condition, report)
    make = _single if condition.no_worse_by is None or baseline is None else _paired
    return tuple(make(condition, report, baseline, cell, len(cells)) for cell in cells)


def _visible(
    condition: Condition, report: AuditReport, baseline: AuditReport | None
) -> Iterator[Compared]:
    found = quality(condition, report)
    for cloak, shown in found:
        value, before = float(getattr(shown, condition.judge)), None
        if condition.no_worse_by is not None and baseline is not None:
            there = dict(quality(condition, baseline, every=False))
            other = counterpart(cloak, [c for c, _ in found], [*there], baseline)
            before = float(getattr(there[other], condition.judge))
        figure = value if before is None else value - before
        why = clouded(condition, report, None) or (
            clouded(condition, baseline, None) if baseline and before is not None else ""
        )
        known = math.isfinite(figure)
        result: Result = _result(condition, (figure, figure), (figure, figure))
        yield Compared(
            cloak=cloak,
            place=None,
            ends=None,
            people=report.counts.protected,
            figure=figure if known else None,
            probes=shown.pictures,
            result="inconclusive" if why or not known else result,
            why=why or ("" if known else "it is not a number"),
            before=before,
        )


def rate(condition: Condition, cell: Cell) -> Rate | None:
    """What the condition judges of a cell; None if its adversary does not look for cloaks."""
    flagged = cell.outcomes.get(FLAGGED, Outcome())
    return {
        "protection": cell.protection,
        "control": cell.control,
        "tpr": flagged.cloaked,
        "fpr": flagged.control,
    }[condition.judge]


def _single(
    condition: Condition, report: AuditReport, _: AuditReport | None, cell: Cell, of: int
) -> Compared:
    found = rate(condition, cell)
    assert found is not None, "it was selected"
    ends = statistics.bounds(found.hits, found.trials)
    wide = statistics.bounds(found.hits, found.trials, WRONG / of)
    return _compared(condition, report, cell, found, found.value, (ends, wide))


def _paired(
    condition: Condition,
    report: AuditReport,
    baseline: AuditReport | None,
    cell: Cell,
    of: int,
) -> Compared:
    assert baseline is not None
    mine = [c.attack for c in report.cloaks]
    other = counterpart(cell.attack, mine, [c.attack for c in baseline.cloaks], baseline)
    less = cell.place._replace(attack=other)
    pairs = across.pairs(report, baseline, cell.place, less)
    if not pairs:
        raise GateError(
            f"the condition {condition.name!r} compares with a cell that the baseline lacks: "
            f"{', '.join(less)}",
            expected="the same adversaries, recognisers, transforms and scenarios in both runs",
            remedy="audit the baseline with the same plan, or select less",
        )
    found = across.protections(pairs) if condition.judge == "protection" else across.flags(pairs)
    if found is None:
        nobody = Rate(hits=(), trials=())
        return _compared(condition, report, cell, nobody, None, None)
    (a, b), before = found, found[1].value
    gap, ends = statistics.difference_bounds((a.hits, a.trials), (b.hits, b.trials))
    wide = statistics.difference_bounds((a.hits, a.trials), (b.hits, b.trials), WRONG / of)[1]
    why = clouded(condition, baseline, next(c for c in baseline.cells if c.place == less))
    return _compared(
        condition, report, cell, a, gap, (ends, wide), before, f"baseline: {why}" if why else ""
    )


Ends = tuple[float, float]


def _compared(
    condition: Condition,
    report: AuditReport,
    cell: Cell,
    found: Rate,
    figure: float | None,
    ends: tuple[Ends, Ends] | None,
    before: float | None = None,
    why: str = "",
) -> Compared:
    """ends: of one cell alone, and of all selected together."""
    why = clouded(condition, report, cell) or why
    if figure is None or ends is None:
        why = why or "everybody was detected, or nobody was counted"
    return Compared(
        cloak=cell.attack,
        place=cell.place,
        figure=figure,
        ends=ends[0] if ends and figure is not None else None,
        people=sum(n > 0 for n in found.trials),
        probes=sum(found.trials),
        result="inconclusive" if why or ends is None else _result(condition, *ends),
        why=why,
        control=cell.control.value,
        before=before,
    )


def _result(condition: Condition, sure: Ends, all_sure: Ends) -> Result:
    """sure: the ends for a pass; all_sure: those for a fail."""
    upward = condition.at_least is not None
    limit = condition.margin
    if condition.no_worse_by is not None:
        upward = condition.judge == "protection"
        limit = -limit if upward else limit
    worse, better = (sure[0], all_sure[1]) if upward else (sure[1], all_sure[0])
    if (worse >= limit) if upward else (worse <= limit):
        return "pass"
    return "fail" if ((better < limit) if upward else (better > limit)) else "inconclusive"
