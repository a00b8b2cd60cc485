"""What a report answers, as numbers."""

from __future__ import annotations

import datetime

import pytest

from audit.comparisons import comparisons
from audit.findings import NEWER_ONES, UNSEEN, answers, cells, differences
from audit.models import catalogue
from audit.records import RecogniserRecord, SplitRecord
from audit.report import AuditReport
from lowkey_core.recognisers import RECOGNISERS
from tests.audit.samples import ATTACK, NAMES, NOISE, PEOPLE, cell, recogniser, sample
from tests.audit.test_report import with_cells


def test_answers_are_the_users_three_questions_and_detection() -> None:
    jpeg, newer, retrained, detected = answers(sample())
    assert [f.protection.value for f in jpeg.findings] == [1.0, 1.0, 1.0]
    assert [f.protection.value for f in newer.findings] == [0.5]
    assert [f.protection.value for f in retrained.findings] == [0.0]
    assert [f.detected for f in detected.findings] == [PEOPLE]
    assert all(f.conclusive for answer in (jpeg, newer, retrained) for f in answer.findings)


def test_differences_are_of_photos_as_published_the_first_scenario_and_matcher() -> None:
    more = [
        cell(recogniser=name, **where)
        for where in ({"transform": "jpeg:75"}, {"scenario": "one"}, {"matcher": "linear"})
        for name in ("old", "new")
    ]
    grid = (*sample().cells, *more)
    split = SplitRecord(seed=0, people=NAMES, cells=grid)
    everything = comparisons([ATTACK], "old", [split])
    report = with_cells(*more).model_copy(update={"comparisons": everything})
    assert len(everything) == 1 + 3 + 1
    assert [(c.what, c.one.recogniser) for c in differences(report)] == [
        ("recognisers", "new"),
        ("adversaries", "old"),
    ]


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


def test_without_a_newer_network_it_says_which_one_to_fetch() -> None:
    report = sample()
    old = report.model_copy(
        update={"cells": tuple(c for c in report.cells if c.recogniser == "old")}
    )
    newer = answers(old)[1]
    assert newer.findings == ()
    assert newer.fetch == "mobilefacenet:faceplugin"
    assert newer.measure_with
    assert newer.measure_with[1].endswith(",mobilefacenet:faceplugin")
    newer = answers(released(old, 2022))[1]
    assert newer.measure_with
    assert newer.measure_with[1].endswith(",edgeface:xxs")
    assert newer.fetch == "", "nothing that can be fetched is newer"


def released(report: AuditReport, year: int) -> AuditReport:
    """The same, of a cloak of that January."""
    cloak = report.cloaks[0].model_copy(update={"released": datetime.date(year, 1, 1)})
    return report.model_copy(update={"cloaks": (cloak,)})


def test_of_a_cloak_newer_than_every_recogniser_it_names_none() -> None:
    report = sample()
    old = tuple(c for c in report.cells if c.recogniser == "old")
    newer = answers(released(report.model_copy(update={"cells": old}), 2026))[1]
    assert newer.measure_with is None
    assert "was released after January 2026" in newer.impossible


def test_the_recognisers_that_it_names_have_the_dates_of_their_cards() -> None:
    cards = {card.name: card.released for _, card in catalogue().values()}
    assert {name: cards[name] for name, _ in NEWER_ONES} == dict(NEWER_ONES)
    ours = {name for name in RECOGNISERS.available() if name.startswith("zoo:")}
    others = [cards.get(name) for name in {*RECOGNISERS.available()} - ours]
    assert max(filter(None, others)) == max(d for _, d in NEWER_ONES), "the zoo is never newer"


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
