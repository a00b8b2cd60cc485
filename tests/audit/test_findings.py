"""What a report answers, as numbers."""

from __future__ import annotations

import pytest

from audit.findings import UNSEEN, answers, cells, compared
from audit.records import RecogniserRecord
from tests.audit.samples import NOISE, PEOPLE, cell, recogniser, sample
from tests.audit.test_report import with_cells


def test_answers_are_the_users_three_questions_and_detection() -> None:
    jpeg, newer, retrained, detected = answers(sample())
    assert [f.protection.value for f in jpeg.findings] == [1.0, 1.0, 1.0]
    assert [f.protection.value for f in newer.findings] == [0.5]
    assert [f.protection.value for f in retrained.findings] == [0.0]
    assert [f.detected for f in detected.findings] == [PEOPLE]
    assert all(f.conclusive for answer in (jpeg, newer, retrained) for f in answer.findings)


def test_a_newer_recogniser_is_compared_with_the_first_on_the_same_probes() -> None:
    _, newer, *_ = answers(sample())
    (comparison,) = newer.comparisons
    assert (comparison.cell.recogniser, comparison.less.recogniser) == ("new", "old")
    assert comparison.difference == pytest.approx(-0.5)
    low, high = comparison.interval
    assert low < -0.5 < high < 0
    assert compared(comparison.cell, comparison.cell).difference == 0


def test_what_was_not_measured_says_what_would_measure_it() -> None:
    report = sample()
    names = tuple(a for a in report.adversaries if a.name != "adaptive")
    without = report.model_copy(
        update={
            "cells": tuple(c for c in report.cells if c.adversary != "adaptive"),
            "adversaries": names,
        }
    )
    _, _, retrained, *_ = answers(without)
    assert (retrained.findings, retrained.measure_with) == ((), ("adversary", "adaptive"))


def test_what_is_impossible_says_why() -> None:
    report = sample()
    adversaries = tuple(
        a.model_copy(update={"impossible": {"lowkey": "a black box"}})
        if a.name == "adaptive"
        else a
        for a in report.adversaries
    )
    cells_of_others = tuple(c for c in report.cells if c.adversary != "adaptive")
    changed = report.model_copy(update={"adversaries": adversaries, "cells": cells_of_others})
    _, _, retrained, *_ = answers(changed)
    assert retrained.impossible == "a black box"


def test_another_recogniser_that_the_cloak_never_saw_has_a_question_of_its_own() -> None:
    names = (recogniser("unseen"), recogniser("older"))
    more = (cell(recogniser="unseen", hits=3), cell(recogniser="older", hits=1))
    jpeg, newer, unseen, *_ = answers(with_cells(*more, recognisers=names))
    assert unseen.question == UNSEEN
    assert [(f.cell.recogniser, f.protection.value) for f in unseen.findings] == [
        ("unseen", 0.25),
        ("older", 0.75),
    ]
    assert [f.protection.value for f in newer.findings] == [0.5], "nor are they newer"
    assert len(jpeg.findings) == 3


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (recogniser("x", held_out=False), {}),
        (recogniser("x", held_out=None), {}),
        (recogniser("x", newer=True), {}),
        (recogniser("x"), {"recogniser": "old"}),
        (recogniser("x"), {"adversary": "adaptive"}),
        (recogniser("x"), {"transform": "jpeg:75"}),
        (recogniser("x"), {"attack": NOISE}),
    ],
)
def test_one_that_is_not_unseen_has_not(name: RecogniserRecord, changes: dict[str, object]) -> None:
    more = cell(recogniser="x").model_copy(update=changes)
    found = answers(with_cells(more, recognisers=(name,)))
    assert UNSEEN not in [answer.question for answer in found]


def test_cells_are_of_the_audited_cloak_the_first_scenario_and_matcher() -> None:
    report = with_cells(cell(scenario="one"), cell(matcher="linear"))
    found = cells(report)
    assert {c.scenario for c in found} == {"all"}
    assert {c.matcher for c in found} == {"nn"}
    assert NOISE not in {c.attack for c in found}
    assert len(cells(report, attack=NOISE)) == 1
