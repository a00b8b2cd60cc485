"""A check in plain sentences: counts of photos, and what they do not say."""

from __future__ import annotations

import subprocess
import sys

import pytest

from audit.outcomes import FOUND, Outcome, Rate
from audit.records import Card
from audit.report import AuditReport
from reports.console.check import rendered, sentences, table, unsaid
from tests.audit.samples import ATTACK, NAMES, PEOPLE, sample


def of_one(report: AuditReport) -> AuditReport:
    """The sample's first person alone, whose eight photos were published."""

    def first(found: Rate | None) -> Rate | None:
        whole = found is not None and len(found.trials) == PEOPLE
        return Rate(hits=found.hits[:1], trials=found.trials[:1]) if found and whole else found

    cells = []
    for cell in report.cells:
        outcomes = {
            name: o.model_copy(update={"control": first(o.control), "cloaked": first(o.cloaked)})
            for name, o in cell.outcomes.items()
        }
        outcomes[FOUND] = Outcome(control=Rate(hits=(8,), trials=(8,)))
        cells.append(cell.model_copy(update={"outcomes": outcomes}))
    counts = report.counts.model_copy(update={"protected": 1})
    changes = {"cells": tuple(cells), "people": ("Ann",), "enrolled": ("Ann",), "counts": counts}
    return report.model_copy(update=changes)


ONE = of_one(sample())


def test_five_sentences_count_photos_before_and_after() -> None:
    assert list(sentences(ONE)) == [
        "1. Before cloaking: of your 4 other photos, old (2019) finds you in 4, new (2023) in 4, "
        "among 120 people.",
        "2. After 8 of your photos were cloaked: of your 4 other photos, the oldest recogniser "
        "here, old (2019), finds you in 0.",
        "3. The newest recogniser here, new (2023), finds you in 2 of 4.",
        "4. Somebody who retrains old on the cloaking tool's own output finds you in 4 of 4 "
        "(before cloaking: in 4).",
        "5. A detector of cloaks flags 4 of your 4 cloaked photos, and 0 of the same photos "
        "before cloaking; if what it flags is dropped, no photo is left to find you by.",
    ]


def test_several_people_are_called_by_name() -> None:
    lines = list(sentences(sample().model_copy(update={"enrolled": NAMES})))
    assert len(lines) == 5 * PEOPLE
    assert "of Ann's 4 other photos, old (2019) finds Ann in 4" in lines[0]
    assert "Bob" in lines[5]


def test_what_needs_the_tool_is_not_possible_with_the_reason() -> None:
    adversaries = tuple(
        a if a.baseline else a.model_copy(update={"impossible": {ATTACK: "nobody ran it"}})
        for a in ONE.adversaries
    )
    cells = tuple(c for c in ONE.cells if c.adversary == "oblivious")
    found = list(sentences(ONE.model_copy(update={"adversaries": adversaries, "cells": cells})))
    assert found[3] == "4. Retraining on cloaked pictures: not possible, nobody ran it."
    assert found[4] == "5. Spotting cloaks: not possible, nobody ran it."


def test_without_a_newer_recogniser_the_small_ones_are_counted() -> None:
    old, new = ONE.recognisers
    report = ONE.model_copy(
        update={"recognisers": (old, new.model_copy(update={"embedded": True}))}
    )
    assert list(sentences(report))[2] == (
        "3. No newer recogniser is here; of 1 small ones of this project each finds you in 2 of 4."
    )


def test_the_table_has_every_adversary_and_transform() -> None:
    rows = table(ONE).rows
    assert rows[0] == ("Ann", "old", "2019-07", "4 -> 0 of 4", "4 -> 0 of 4", "4 -> 0 of 4")
    assert rows[1] == ("Ann", "new", "2023-07", "4 -> 2 of 4", "-", "-")
    assert rows[-1][3] == "4 of 4 -> all dropped"


def test_it_says_what_it_does_not_say() -> None:
    text = " ".join(unsaid(ONE))
    assert "2 found of 4 could stand for 7% to 93% of such photos" in text
    assert "not over people" in text
    assert "without a verdict" in text
    assert "its own original says little" in text
    assert "drawn strangers" not in text
    drawn = Card(
        name="synthfaces", role="data set", sha256="", source="", licence="", released=None,
        trained_on="",
    )  # fmt: skip
    assert "drawn strangers" in " ".join(unsaid(ONE.model_copy(update={"cards": (drawn,)})))


def test_no_verdict_is_given_even_where_a_control_fails() -> None:
    text = rendered(of_one(sample(control=1)))
    assert "INCONCLUSIVE" not in text
    assert "finds you in 1, new (2023)" in text


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a\rb", "a\u202eb"])
def test_a_name_moves_no_cursor(name: str) -> None:
    text = rendered(ONE.model_copy(update={"people": (name,), "enrolled": (name,)}))
    assert name not in text


def test_a_stored_check_is_told_without_torch() -> None:
    code = "import sys, reports.console.check, audit.counted; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
