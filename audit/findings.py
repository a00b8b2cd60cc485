"""What a report answers: figures by question, as numbers. Every format and gate reads these.

The three questions of every audit come first (JPEG, newer models, robust retraining), then what
every other adversary found.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from audit.outcomes import Cell, Rate
from audit.plan import BASELINE
from audit.records import AdversaryRecord, Comparison
from audit.report import AuditReport
from lowkey_core.weights.packaged import FACEPLUGIN

MIN_CONTROL = 0.9
"""A recogniser that finds fewer of the clean probes' owners proves nothing by failing on cloaks."""
JPEG = "Does it survive JPEG?"
NEWER = "Does it survive newer models?"
UNSEEN = "Does it carry over to recognisers that the cloak never saw?"
ADAPTIVE = "adaptive"
"""The adversary that the third question is about."""
NEWER_ONES = (
    ("mobilefacenet:faceplugin", datetime.date(2021, 10, 21)),
    ("edgeface:xxs", datetime.date(2023, 7, 1)),
)
"""Recognisers that may answer whether a cloak survives newer models, and their dates: the one that
can be fetched, and the newest of all."""
EVERYBODY = "all"
"""The scenario of adversaries that are not measured in every one."""


@dataclass(frozen=True)
class Finding:
    """One figure that answers a question."""

    question: str
    cell: Cell
    """Where it is from: cloak, adversary, recogniser, matcher, transform, scenario."""

    @property
    def protection(self) -> Rate:
        """Of the people who were not detected."""
        return self.cell.protection

    @property
    def control(self) -> Rate:
        """Identification in the clean gallery, at the rank at which the cell is scored."""
        return self.cell.control

    @property
    def detected(self) -> int:
        """People whose every picture was dropped as cloaked, in every split."""
        return sum(self.cell.detected)

    @property
    def conclusive(self) -> bool:
        """Whether the recogniser works on clean pictures at all."""
        return (self.control.value or 0) >= MIN_CONTROL


@dataclass(frozen=True)
class Answer:
    """A question about one cloak, its figures, and why there are none if there are none."""

    attack: str
    question: str
    findings: tuple[Finding, ...] = ()
    impossible: str = ""
    """Why it could not be measured."""
    measure_with: tuple[str, str] | None = None
    """The choice, and its value, that would measure what was not."""
    fetch: str = ""
    """The weight file that this needs; "" if none can be fetched for it."""


def answers(report: AuditReport) -> tuple[Answer, ...]:
    """For each cloak: JPEG, newer models, robust retraining; then every other adversary."""
    found: list[Answer] = []
    for cloak in report.cloaks:
        attack = cloak.attack
        found += [_jpeg(report, attack), _newer(report, attack), *_unseen(report, attack)]
        found.append(_adaptive(report, attack))
        found += [
            _adversary(report, attack, adversary)
            for adversary in report.adversaries
            if not adversary.baseline and adversary.name != ADAPTIVE
        ]
    return tuple(found)


def cells(report: AuditReport, **wanted: object) -> list[Cell]:
    """The cells with these fields, of the audited cloaks, the first scenario and the first matcher
    where those are not given."""
    audited = {cloak.attack for cloak in report.cloaks}
    wanted = {"scenario": report.plan.publish.scenarios[0], **wanted}
    found = list(report.cells)
    for field, value in wanted.items():
        has = attrgetter(field)
        found = [c for c in found if has(c) == value]
    if "attack" not in wanted:
        found = [c for c in found if c.attack in audited]
    if "matcher" not in wanted:
        first = {c.recogniser: c.matcher for c in reversed(found)}
        found = [c for c in found if c.matcher == first[c.recogniser]]
    return found


def differences(report: AuditReport) -> tuple[Comparison, ...]:
    """What was compared as published, in the first scenario and by the first matcher."""
    shown = {cell.place for cell in cells(report, transform="none")}
    return tuple(c for c in report.comparisons if c.place in shown)


def between(report: AuditReport, finding: Finding) -> tuple[tuple[float, int], ...]:
    """A finding's protection in each split that was pooled, and the split's seed, the least first.

    Splits in which everybody was detected are left out.
    """
    return tuple(
        sorted(
            (value, split.seed)
            for split in report.splits
            for cell in split.cells
            if cell.place == finding.cell.place and (value := cell.protection.value) is not None
        )
    )


def _jpeg(report: AuditReport, attack: str) -> Answer:
    first = report.recognisers[0].name
    found = cells(report, attack=attack, adversary=BASELINE, recogniser=first)
    return Answer(attack, JPEG, _findings(JPEG, found))


def _newer(report: AuditReport, attack: str) -> Answer:
    plain = _plain(report, attack)
    newer = [c for c in plain if report.relation(c).newer]
    if not newer:
        released = next(c.released for c in report.cloaks if c.attack == attack)
        if released is None:
            return Answer(attack, NEWER, impossible="the cloak does not say when it was released")
        name = next((name for name, dated in NEWER_ONES if dated > released), "")
        if not name:
            why = f"no recogniser that has a card here was released after {released:%B %Y}"
            return Answer(attack, NEWER, impossible=why)
        names = dict.fromkeys((*report.plan.adversaries.recognisers, name))
        fetch = name if name == FACEPLUGIN.name else ""
        return Answer(attack, NEWER, measure_with=("recogniser", ",".join(names)), fetch=fetch)
    return Answer(attack, NEWER, _findings(NEWER, newer))


def _unseen(report: AuditReport, attack: str) -> Iterator[Answer]:
    """Recognisers beside the first that are not newer: none in most audits of real faces."""
    first = report.recognisers[0].name
    found = [
        c
        for c in _plain(report, attack)
        if (relation := report.relation(c)).held_out
        and not relation.newer
        and c.recogniser != first
    ]
    if found:
        yield Answer(attack, UNSEEN, _findings(UNSEEN, found))


def _plain(report: AuditReport, attack: str) -> list[Cell]:
    return cells(report, attack=attack, adversary=BASELINE, transform="none")


def _adaptive(report: AuditReport, attack: str) -> Answer:
    for adversary in report.adversaries:
        if adversary.name == ADAPTIVE:
            return _adversary(report, attack, adversary)
    question = "Does it survive robust retraining?"
    return Answer(attack, question, measure_with=("adversary", ADAPTIVE))


def _adversary(report: AuditReport, attack: str, adversary: AdversaryRecord) -> Answer:
    named = {"attack": attack, "adversary": adversary.name}
    found = cells(report, **named) or cells(report, scenario=EVERYBODY, **named)
    question = adversary.question
    if reason := adversary.impossible.get(attack):
        return Answer(attack, question, impossible=reason)
    return Answer(attack, question, _findings(question, found))


def _findings(question: str, found: list[Cell]) -> tuple[Finding, ...]:
    return tuple(Finding(question, cell) for cell in found)
