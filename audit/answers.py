"""The three questions every report opens with: JPEG, newer models, robust retraining."""

from __future__ import annotations

from dataclasses import dataclass

from audit import statistics
from audit.caveats import MIN_CONTROL
from audit.report import AuditReport, Cell, Rate


@dataclass(frozen=True)
class Finding:
    """One figure that answers a question."""

    what: str
    protection: Rate
    control: Rate
    detected: int
    """People whose every picture was dropped as cloaked."""

    @property
    def conclusive(self) -> bool:
        """Whether the recogniser works on clean pictures at all."""
        return (self.control.value or 0) >= MIN_CONTROL


@dataclass(frozen=True)
class Answer:
    """A question, its figures, and what to run where there are none."""

    question: str
    findings: tuple[Finding, ...]
    remark: str = ""
    """A comparison with its interval, or how to measure what was not."""
    without: str = "not measured"
    """What is said in place of figures."""


def answers(report: AuditReport) -> tuple[Answer, ...]:
    """JPEG, newer models, robust retraining; then every other adversary that took part."""
    return (
        _jpeg(report),
        _newer(report),
        *_unseen(report),
        _adversary(
            report,
            "adaptive",
            "Does it survive robust retraining?",
            "retrained on cloaked pictures",
        ),
        *_others(report),
    )


def cells(report: AuditReport, **wanted: object) -> list[Cell]:
    """The audited attack's cells with these fields, of the first condition and matcher if those
    are not given."""
    wanted = {
        "attack": report.plan.attack,
        "condition": report.plan.conditions[0],
        "matcher": report.plan.matchers[0],
        **wanted,
    }
    return [c for c in report.cells if all(getattr(c, k) == v for k, v in wanted.items())]


def first_recogniser(report: AuditReport) -> str:
    """The one that every adversary starts from."""
    return report.recognisers[0]


def _finding(what: str, cell: Cell) -> Finding:
    return Finding(what, cell.protection, cell.control[1], sum(cell.detected))


def _jpeg(report: AuditReport) -> Answer:
    found = [
        _finding("as published" if c.transform == "none" else f"after {c.transform}", c)
        for c in cells(report, adversary="oblivious", recogniser=first_recogniser(report))
    ]
    return Answer(f"Does it survive JPEG? (against {first_recogniser(report)})", tuple(found))


def _newer(report: AuditReport) -> Answer:
    question = "Does it survive newer models?"
    plain = cells(report, adversary="oblivious", transform="none")
    newer = [c for c in plain if c.newer]
    base = next(c for c in plain if c.recogniser == first_recogniser(report))
    if not newer and report.cloak_released is None:
        return Answer(question, (), "The cloak does not say when it was released")
    if not newer:
        names = ",".join(dict.fromkeys((*report.plan.recognisers, "edgeface:xxs")))
        return Answer(question, (), f"Run the audit with --recogniser {names}")
    remarks = [
        f"{c.recogniser} less {base.recogniser}: {gap:+.2f} [{low:+.2f}, {high:+.2f}], same probes"
        for c in newer
        if c is not base
        for gap, (low, high) in [_gap(c, base)]
    ]
    return Answer(
        question,
        tuple(_finding(f"{c.recogniser} ({c.released:%Y-%m})", c) for c in newer),
        "; ".join(remarks),
    )


def _unseen(report: AuditReport) -> list[Answer]:
    """Recognisers beside the first that are not newer: none in most audits of real faces."""
    found = [
        c
        for c in cells(report, adversary="oblivious", transform="none")
        if c.held_out and not c.newer and c.recogniser != first_recogniser(report)
    ]
    question = "Does it carry over to recognisers that the cloak never saw?"
    return [Answer(question, tuple(_finding(c.recogniser, c) for c in found))] if found else []


def _gap(a: Cell, b: Cell) -> tuple[float, tuple[float, float]]:
    one, two = (cell.cloaked[1].complement for cell in (a, b))
    return statistics.difference((one.hits, one.trials), (two.hits, two.trials))


def _adversary(report: AuditReport, adversary: str, question: str, what: str) -> Answer:
    found = cells(report, adversary=adversary)
    if reason := report.impossible.get(adversary):
        return Answer(question, (), f"because {reason}", "not possible")
    if not found:
        return Answer(question, (), f"Run the audit with --adversary {adversary}")
    return Answer(
        question,
        tuple(
            _finding(
                f"{c.recogniser} {what}".rstrip()
                + ("" if c.transform == "none" else f", {c.transform}"),
                c,
            )
            for c in found
        ),
    )


def _others(report: AuditReport) -> list[Answer]:
    names = dict.fromkeys([*(c.adversary for c in report.cells), *report.impossible])
    found = []
    for name in [n for n in names if n not in ("oblivious", "adaptive")]:
        looks = any(c.detection for c in report.cells if c.adversary == name)
        what = f"after flagged pictures were {_DONE[report.plan.flagged]}" if looks else ""
        found.append(_adversary(report, name, f"Does it survive {name}?", what))
    return found


_DONE = {"drop": "dropped", "keep": "kept"}
