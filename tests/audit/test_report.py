"""Records round-trip, and derive what they say from counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from audit import report
from audit.answers import answers
from audit.report import AuditReport, Cell
from tests.audit.samples import PEOPLE, cell, rate, sample


def test_round_trips_through_json(tmp_path: Path) -> None:
    sample().save(tmp_path / "report.json")
    assert report.read(tmp_path) == sample()
    assert report.read(tmp_path / "report.json").model_dump_json() == sample().model_dump_json()


def test_a_report_from_before_a_count_was_added_still_reads(tmp_path: Path) -> None:
    stored = json.loads(sample().model_dump_json())
    for added in ("unreadable_reasons", "duplicates", "protectable", "too_few_pictures"):
        del stored["counts"][added]
    del stored["plan"]["distractor_datasets"]
    (tmp_path / "report.json").write_text(json.dumps(stored))
    assert report.read(tmp_path) == sample()


def test_is_frozen() -> None:
    with pytest.raises(ValidationError):
        sample().counts.probes = 3  # type: ignore[misc]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"version": 2}', b"\xff\xfe"])
def test_what_is_no_report_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "report.json").write_bytes(content)
    with pytest.raises(report.ReportError, match="expected the report of an audit"):
        report.read(tmp_path)


def test_protection_is_what_rank_one_misses() -> None:
    assert cell(hits=1).protection.value == 0.75


def test_the_detected_are_not_the_protected() -> None:
    half = (True,) * 5 + (False,) * 5
    spotted = cell(cloaked={1: rate(0, 0, 0, 0, 0, 4, 4, 4, 4, 0)}, detected=half)
    assert spotted.protection.value == pytest.approx(0.2)
    assert cell(detected=(True,) * PEOPLE).protection.value is None


def test_answers_are_the_users_three_questions_and_detection() -> None:
    jpeg, newer, retrained, detected = answers(sample())
    assert [f.protection.value for f in jpeg.findings] == [1.0, 1.0, 1.0]
    assert [f.protection.value for f in newer.findings] == [0.5]
    assert "new less old: -0.50 [" in newer.remark
    assert [f.protection.value for f in retrained.findings] == [0.0]
    assert [f.detected for f in detected.findings] == [PEOPLE]


UNSEEN = "Does it carry over to recognisers that the cloak never saw?"


def test_another_recogniser_that_the_cloak_never_saw_has_a_question_of_its_own() -> None:
    more = (cell(recogniser="unseen", hits=3), cell(recogniser="older", hits=1))
    jpeg, newer, unseen, *_ = answers(with_cells(*more))
    assert unseen.question == UNSEEN
    assert [(f.what, f.protection.value) for f in unseen.findings] == [
        ("unseen", 0.25),
        ("older", 0.75),
    ]
    assert [f.protection.value for f in newer.findings] == [0.5], "nor are they newer"
    assert len(jpeg.findings) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"held_out": False},
        {"held_out": None},
        {"newer": True},
        {"recogniser": "old"},
        {"adversary": "adaptive"},
        {"transform": "jpeg:75"},
        {"attack": "noise"},
    ],
    ids=lambda changes: " ".join(f"{k} {v}" for k, v in changes.items()),
)
def test_one_that_is_not_unseen_has_not(changes: dict[str, object]) -> None:
    more = cell(recogniser="unseen").model_copy(update=changes)
    found = answers(with_cells(more))
    assert UNSEEN not in [answer.question for answer in found]


def with_cells(*more: Cell) -> AuditReport:
    """The sample, in which more was measured."""
    return sample().model_copy(update={"cells": (*sample().cells, *more)})
