"""The answers as single results, for formats that other programs read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from audit.findings import Answer, Finding, answers
from audit.report import AuditReport
from lowkey_core.errors import as_flag, one_line
from reports.parts import words
from reports.parts.layout import rate

State = Literal["measured", "inconclusive", "not measured", "not possible"]


@dataclass(frozen=True)
class Told:
    """One figure, or why there is none. Texts are printable."""

    attack: str
    question: str
    what: str
    """Where it is from, in the words of its question; "" where there is no figure."""
    state: State
    text: str
    """A sentence without the question."""
    finding: Finding | None = None


def told(report: AuditReport) -> Iterator[Told]:
    """In the order of the answers."""
    for answer in answers(report):
        attack, question = one_line(answer.attack), one_line(answer.question)
        if answer.impossible:
            why = one_line(f"not possible, because {answer.impossible}")
            yield Told(attack, question, "", "not possible", why)
        elif answer.measure_with:
            yield Told(attack, question, "", "not measured", f"not measured: {remedy(answer)}")
        for finding in answer.findings:
            what = one_line(words.what(report, finding))
            shown = one_line(words.protection(finding))
            state: State = "measured" if finding.conclusive else "inconclusive"
            text = f"{what}: protection {shown}, control {rate(finding.control)}"
            yield Told(attack, question, what, state, text, finding)


def remedy(answer: Answer) -> str:
    """What would measure what was not."""
    assert answer.measure_with is not None
    first = f"models fetch {answer.fetch}, then run" if answer.fetch else "run"
    return one_line(f"{first} the audit with {as_flag(*answer.measure_with)}")
