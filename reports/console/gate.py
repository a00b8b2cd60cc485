"""What a gate compared, in lines and as JSON; and the commands that judge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit import gate, policy, report
from audit.gate import Compared, Verdict
from audit.policy import VISIBLE
from audit.report import AuditReport

if TYPE_CHECKING:
    from audit.policy import Policy


def lines(verdict: Verdict, found: AuditReport, baseline: AuditReport | None) -> Iterator[str]:
    """All that was compared, a line each, and the result last."""
    yield f"judged: {_about(found)}"
    if baseline is not None:
        yield f"baseline: {_about(baseline)}"
    for judgement in verdict.judgements:
        condition = judgement.condition
        yield f"{judgement.result.upper()}  {condition.name}: {condition.demand}"
        yield from (f"    {line(condition.judge, each)}" for each in judgement.compared)
    results = [judgement.result for judgement in verdict.judgements]
    counts = (f"{n} {r}" for r in ("fail", "inconclusive", "pass") if (n := results.count(r)))
    yield f"gate: {verdict.result} ({', '.join(counts)})"


def _about(found: AuditReport) -> str:
    cloaks = ", ".join(cloak.attack for cloak in found.cloaks)
    people = found.counts
    return (
        f"{cloaks}; {people.protected} people of {people.dataset}, {people.probes} probes, plan "
        f"{found.plan.digest}"
    )


def line(judged: str, found: Compared) -> str:
    """One figure, its ends, where it is from, and why it decides nothing."""
    place = ", ".join(found.place) if found.place else found.cloak
    digits = 4 if judged in VISIBLE else 2
    sign = "+" if found.before is not None else ""
    said = "no figure" if found.figure is None else f"{found.figure:{sign}.{digits}f}"
    if found.ends:
        said += f" [{found.ends[0]:{sign}.{digits}f}, {found.ends[1]:{sign}.{digits}f}]"
    if found.before is not None:
        said += f" from {found.before:.{digits}f}"
    unit = "pictures" if judged in VISIBLE else "trials"
    counted = f"{found.people} people, {found.probes} {unit}"
    control = "" if found.control is None else f"; control {found.control:.2f}"
    why = f"; {found.why}" if found.why else ""
    return f"{found.result}  {place}: {said} ({counted}{control}){why}"


def as_json(verdict: Verdict) -> str:
    """For programs: the conditions, what each selected, and the exit code."""
    return json.dumps(
        {
            "result": verdict.result,
            "code": verdict.code,
            "conditions": [
                {
                    **judgement.condition.model_dump(mode="json", exclude_none=True),
                    "result": judgement.result,
                    "compared": [_plain(each) for each in judgement.compared],
                }
                for judgement in verdict.judgements
            ],
        },
        indent=1,
        ensure_ascii=True,
    )


def _plain(each: Compared) -> dict[str, Any]:
    place = each.place._asdict() if each.place else {"attack": each.cloak}
    names = ("figure", "ends", "before", "control", "people", "probes", "result", "why")
    return {**place, **{name: getattr(each, name) for name in names}}


class Gate:
    """A policy, and the baseline that its conditions need: read before an audit begins, as what is
    wrong with them must not cost an audit."""

    def __init__(self, file: Path, baseline: Path | None) -> None:
        """Raises: GateError, ReportError."""
        self.policy: Policy = policy.read(file)
        gate.check_baseline(self.policy, given=baseline is not None)
        self.baseline = None if baseline is None else report.read(baseline)

    def foresee(self, plan: Any) -> None:
        """Raises: UnlikeRunsError if a report of this plan could not be compared."""
        from audit import across

        if self.baseline is not None:
            across.must_agree(plan, self.baseline.plan)

    def judge(self, found: AuditReport) -> Verdict:
        """Raises: GateError, UnlikeRunsError."""
        return gate.judge(self.policy, found, self.baseline)

    def lines(self, verdict: Verdict, found: AuditReport) -> Iterator[str]:
        """See `lines`."""
        return lines(verdict, found, self.baseline)


def begun(file: Path | None, baseline: Path | None, plan: Any) -> Gate | None:
    """The gate of an audit that is about to begin; None without a policy.

    Raises: GateError, ReportError, UnlikeRunsError.
    """
    from lowkey_core.errors import GateError, setting

    if file is None:
        if baseline is not None:
            raise GateError(
                f"{setting('baseline')} was given without {setting('gate')}",
                expected=f"both, or {setting('gate')} alone",
                remedy=f"name the policy with {setting('gate')}",
            )
        return None
    made = Gate(file, baseline)
    made.foresee(plan)
    return made
