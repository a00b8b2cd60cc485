"""Records round-trip, and derive what they say from counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from audit import report
from audit.outcomes import Cell
from audit.records import RecogniserRecord
from audit.report import AuditReport
from lowkey_core.errors import ReportError
from tests.audit.samples import PEOPLE, cell, rate, sample


def test_round_trips_through_json(tmp_path: Path) -> None:
    sample().save(tmp_path / "report.json")
    assert report.read(tmp_path) == sample()
    assert report.read(tmp_path / "report.json").model_dump_json() == sample().model_dump_json()


def test_what_later_versions_add_is_optional(tmp_path: Path) -> None:
    """A report that was written before a field was added still reads."""
    stored = json.loads(sample().model_dump_json())
    for added in ("unreadable_reasons", "duplicates", "protectable", "too_few_pictures"):
        del stored["counts"][added]
    del stored["plan"]["people"]["distractor_datasets"]
    for cloak in stored["cloaks"]:
        del cloak["copies"]
    for one in stored["cells"]:
        del one["outcomes"]["detected"]["value"]
    del stored["plan"]["people"]["seeds"], stored["splits"], stored["enrolled"]
    assert stored.pop("people")
    assert stored.pop("comparisons")
    (tmp_path / "report.json").write_text(json.dumps(stored))
    unnamed = sample().model_copy(update={"people": (), "comparisons": ()})
    assert report.read(tmp_path) == unnamed


def test_is_frozen() -> None:
    with pytest.raises(ValidationError):
        sample().counts.probes = 3  # type: ignore[misc]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"version": 2}', b"\xff\xfe", b"[" * 9999])
def test_what_is_no_report_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "report.json").write_bytes(content)
    with pytest.raises(ReportError, match="expected the report of an audit, version 2"):
        report.read(tmp_path)


def test_version_1_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"version": 1, "plan": {"attack": "lowkey"}}')
    with pytest.raises(ReportError, match=r"version 1; expected version 2.*run the audit again"):
        report.read(tmp_path)


def test_protection_is_what_rank_one_misses() -> None:
    assert cell(hits=1).protection.value == 0.75


def test_the_detected_are_not_the_protected() -> None:
    half = (True,) * 5 + (False,) * 5
    spotted = cell(rate(0, 0, 0, 0, 0, 4, 4, 4, 4, 0), detected=half)
    assert spotted.protection.value == pytest.approx(0.2)
    assert cell(detected=(True,) * PEOPLE).protection.value is None


def broken(stored: dict[str, Any], how: str) -> None:
    first = stored["cells"][0]
    match how:
        case "unknown attack":
            first["attack"] = "nobody"
        case "unknown adversary":
            first["adversary"] = "nobody"
        case "unknown recogniser":
            first["recogniser"] = "nobody"
        case "rank missing":
            del first["outcomes"]["rank-5"]
        case "arm missing":
            first["outcomes"]["rank-1"]["control"] = None
        case "people missing":
            first["outcomes"]["rank-1"]["cloaked"] = {"hits": [1], "trials": [4]}
        case "more hits than trials":
            first["outcomes"]["rank-1"]["cloaked"]["hits"][0] = 5
        case "no baseline":
            stored["cells"] = stored["cells"][-1:]
        case "too few names":
            stored["people"].pop()
        case "a name twice":
            stored["people"][0] = stored["people"][1]
        case "too many enrolled":
            stored["enrolled"] = ["a", "b"]
        case "a stranger's split":
            stored["splits"] = [{"seed": 0, "people": ["nobody"], "cells": []}]
        case "a split's people missing":
            stored["splits"] = [{"seed": 0, "people": stored["people"], "cells": [first]}]
            stored["splits"] += [{"seed": 1, "people": stored["people"][1:], "cells": [first]}]
        case "no relation":
            stored["recognisers"][0]["relations"] = {}


@pytest.mark.parametrize(
    "how",
    [
        "unknown attack",
        "unknown adversary",
        "unknown recogniser",
        "rank missing",
        "arm missing",
        "people missing",
        "more hits than trials",
        "no baseline",
        "too few names",
        "a name twice",
        "too many enrolled",
        "a stranger's split",
        "a split's people missing",
        "no relation",
    ],
)
def test_a_report_in_which_something_is_missing_is_refused(tmp_path: Path, how: str) -> None:
    """Every reader may count on what the record promises."""
    stored = json.loads(sample().model_dump_json())
    broken(stored, how)
    (tmp_path / "report.json").write_text(json.dumps(stored))
    with pytest.raises(ReportError):
        report.read(tmp_path)


def with_cells(*more: Cell, recognisers: tuple[RecogniserRecord, ...] = ()) -> AuditReport:
    """The sample, in which more was measured."""
    old = sample()
    known = (*old.recognisers, *recognisers)
    return old.model_copy(update={"cells": (*old.cells, *more), "recognisers": known})
