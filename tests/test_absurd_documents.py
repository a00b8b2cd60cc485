"""Documents of absurd size, depth and numbers are refused in one line."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from audit import choices, report, runs
from lowkey_core.errors import LocalNetworkError, PlanError, ReportError, StorageError
from lowkey_core.photos.protected import NAME, Outcome
from lowkey_core.publish.ledger import Ledger
from lowkey_core.weights import sidecar
from tests.audit.plans import changed
from tests.audit.samples import sample


def test_a_report_of_a_million_people_is_refused(tmp_path: Path) -> None:
    stored = json.loads(sample().model_dump_json())
    stored["counts"]["protected"] = 10**6
    (tmp_path / "report.json").write_text(json.dumps(stored))
    with pytest.raises(ReportError, match=r"counts.protected: .* less than or equal to 100000"):
        report.read(tmp_path)
    (tmp_path / "report.json").write_bytes(b" " * (2**25 + 1))
    with pytest.raises(ReportError, match="more than 33,554,432 bytes"):
        report.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[people]\nprotected = " + "9" * 5000, "4300 digits"),
        ("[people]\nprotected = " + "[" * 8000, "nested too deep"),
        ("[people]\nprotected = 100001", "less than or equal to 100000; .*change protected"),
        ("[people]\nseeds = 4000000000", "less than or equal to 1000"),
        ("[people]\nprobes = 4000000000", "less than 2147483648"),
        ("[measure]\nranks = [4000000000]", "ranks start at 1, and end below"),
        (f"[publish]\nattacks = {json.dumps([f'x:a={i}' for i in range(101)])}", "at most 100"),
        ("#" * 20000, "more than 16,384 bytes"),
    ],
)
def test_an_absurd_plan_is_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(content)
    with pytest.raises(PlanError, match=message):
        choices.make(file=tmp_path / "plan.toml")


def test_an_absurd_card_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.pt").write_bytes(b"")
    for content in ("size = " + "9" * 5000, "x = " + "[" * 8000, "#" * 20000):
        (tmp_path / "mine.toml").write_text(content)
        with pytest.raises(LocalNetworkError, match="is not a card"):
            sidecar.verified(tmp_path / "mine.pt")


def test_a_ledger_that_names_files_elsewhere_has_them_left_alone(tmp_path: Path) -> None:
    """They are not read, and not taken for copies."""
    (tmp_path / "secret").write_bytes(b"")
    out = tmp_path / "out"
    out.mkdir()
    digest = "0" * 32
    for name in ("../secret", str(tmp_path / "secret"), "a\0b", "x" * 300):
        line = Outcome("a", "protected", source="s", photo="p", files={name: digest})
        (out / NAME).write_text(json.dumps(dataclasses.asdict(line), sort_keys=True) + "\n")
        with Ledger(out) as ledger:
            assert ledger.lines == [line]
            assert ledger.done("s", "p", "") is None


def test_a_ledger_of_a_million_lines_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"\n" * 10**6)
    with pytest.raises(StorageError, match="more than 400,000 lines"), Ledger(tmp_path):
        pass


def test_one_bad_run_ends_no_list(tmp_path: Path) -> None:
    for name, content in (
        ("a", '{"started": "9999-12-31T23:59:59Z"}'),
        ("b", "[" * 30000),
        ("c", '{"version": ' + "9" * 5000 + "}"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / runs.PLAN).write_text(content)
    runs.begin(tmp_path / "d", sample().plan)
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / runs.REPORT).mkdir()
    *bad, good = runs.listing(tmp_path)
    assert ["unreadable" in line for line in bad] == [True] * 3
    assert "unfinished" in good


def test_a_run_of_endless_names_is_a_line_that_ends(tmp_path: Path) -> None:
    runs.begin(tmp_path / "run", changed(sample().plan, dataset="x" * 10**6))
    (line,) = runs.listing(tmp_path)
    assert len(line) < 2000
