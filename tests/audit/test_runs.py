"""Run folders: what is listed, what is resumed, and that damage is a line and no failure."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import cli
from audit import choices, report, runs
from audit.plan import AuditPlan
from audit.runs import begin, listing, noted, resumed
from lowkey_core.errors import OptionError, ReportError, RunError, StorageError
from reports import REPORTS
from tests.audit.plans import changed
from tests.audit.samples import cell, sample


def finished(folder: Path, control: int = 4) -> Path:
    stored = sample(control)
    begin(folder, stored.plan)
    stored.save(folder / "report.json")
    return folder


def test_says_of_each_run_what_it_was_and_what_it_found(tmp_path: Path) -> None:
    finished(tmp_path / "b done")
    finished(tmp_path / "c failed control", control=2)
    begin(tmp_path / "a begun", changed(AuditPlan(), attack="noise", dataset="photos"))
    (tmp_path / "no run").mkdir()
    (tmp_path / "file").touch()
    begun, done, failed = listing(tmp_path)
    assert begun.startswith("a begun ")
    assert "noise   oblivious,adaptive  photos  unfinished" in begun
    assert "lowkey  oblivious,adaptive  lfw     measured" in done
    assert done.endswith("protection 0.00 [0.00, 0.31] at worst (adaptive old, none)")
    assert "inconclusive" in failed


def test_says_how_often_the_people_were_split(tmp_path: Path) -> None:
    begin(tmp_path / "run", changed(AuditPlan(), seeds=3))
    (line,) = listing(tmp_path)
    assert "synthetic x 3  unfinished" in line


def test_a_recogniser_that_fails_its_control_says_nothing_of_protection(tmp_path: Path) -> None:
    cells = (cell(control=2, hits=4), cell(recogniser="new", hits=2))
    sample().model_copy(update={"cells": cells}).save(tmp_path / "a" / "report.json")
    sample().model_copy(update={"cells": cells[:1]}).save(tmp_path / "b" / "report.json")
    a, b = listing(tmp_path)
    assert "protection 0.50 [" in a
    assert b.endswith(" -")


def test_one_asked_again_otherwise_is_unfinished(tmp_path: Path) -> None:
    begin(finished(tmp_path / "run"), changed(AuditPlan(), seed=5))
    (line,) = listing(tmp_path)
    assert line.endswith("unfinished")


@pytest.mark.parametrize("name", ["report.json", "plan.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"\xff", b'{"version": 9}'])
def test_a_damaged_run_is_one_line_among_the_others(
    name: str, content: bytes, tmp_path: Path
) -> None:
    finished(tmp_path / "a")
    (finished(tmp_path / "b") / name).write_bytes(content)
    finished(tmp_path / "c")
    a, b, c = listing(tmp_path)
    assert "measured" in a
    assert "unreadable" in b
    assert f"{name} is not" in b
    assert "measured" in c


def test_a_stored_report_with_any_byte_changed_is_refused_or_shown(tmp_path: Path) -> None:
    """Never a traceback: 400 changes that are likely to leave it JSON."""
    folder, rng = finished(tmp_path / "run"), random.Random(0)
    whole = (folder / "report.json").read_bytes()
    digits = [i for i, byte in enumerate(whole) if chr(byte).isalnum()]
    shows = [REPORTS.load(name) for name in REPORTS.available()]
    refused = 0
    for place in rng.sample(digits, 400):
        damaged = bytearray(whole)
        damaged[place] = ord(rng.choice("0123456789"))
        (folder / "report.json").write_bytes(damaged)
        assert len([*listing(tmp_path)]) == 1
        try:
            stored = report.read(folder)
        except ReportError:
            refused += 1
            continue
        assert all(show(stored) for show in shows)
    assert 100 < refused < 400, "else this test tells nothing"


def test_names_cannot_forge_lines(tmp_path: Path) -> None:
    begin(tmp_path / os.fsdecode(b"a\nb\x1b[31m\xff"), changed(AuditPlan(), dataset="x\ny"))
    (line,) = listing(tmp_path)
    assert line.isprintable()


def test_no_folder_of_runs_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="run an audit first"):
        [*listing(tmp_path / "nowhere")]
    assert [*listing(tmp_path)] == []


@pytest.mark.parametrize(
    "asked",
    [
        AuditPlan(),
        choices.make("quick", given={"attack": "lowkey:steps=3:step_size=0.5"}),
        choices.make("thorough", given={"ranks": "3,1", "scenario": "mixed:1"}),
    ],
)
def test_the_plan_of_a_run_is_what_was_asked(asked: AuditPlan, tmp_path: Path) -> None:
    begin(tmp_path, asked)
    assert resumed(tmp_path, ["resume", "cache", "json", "verbose"]) == asked
    assert resumed(tmp_path, []).digest == asked.digest


def test_a_run_that_is_begun_again_keeps_its_date(tmp_path: Path) -> None:
    begin(tmp_path, AuditPlan())
    first = json.loads((tmp_path / "plan.json").read_text())
    begin(tmp_path, AuditPlan())
    assert json.loads((tmp_path / "plan.json").read_text()) == first
    begin(tmp_path, changed(AuditPlan(), seed=1))
    assert json.loads((tmp_path / "plan.json").read_text())["started"] > first["started"]


def test_a_finished_run_without_a_note_is_resumed_from_its_report(tmp_path: Path) -> None:
    (finished(tmp_path) / "plan.json").unlink()
    assert resumed(tmp_path, []) == sample().plan


def test_an_option_that_the_plan_decides_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="together with seed, out; expected nothing beside"):
        resumed(finished(tmp_path), ["resume", "seed", "cache", "out"])


def test_what_may_stand_beside_resume_are_options_of_audit() -> None:
    audit = typer.main.get_command(cli.app).commands["audit"]  # type: ignore[attr-defined]
    assert set(runs.ALONGSIDE) <= {option.name for option in audit.params}


def test_runs_are_listed_without_torch(tmp_path: Path) -> None:
    finished(tmp_path / "run")
    code = (
        "import sys; from pathlib import Path; from audit.runs import listing;"
        f"print(*listing(Path({str(tmp_path)!r})));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_note_that_is_no_file_is_said_so_and_not_waited_for(tmp_path: Path) -> None:
    (finished(tmp_path) / "plan.json").unlink()
    os.mkfifo(tmp_path / "plan.json")
    with pytest.raises(StorageError, match=r"plan\.json"), noted(tmp_path, AuditPlan()):
        pytest.fail("nothing begins")
