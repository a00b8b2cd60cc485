"""The whole audit as it is typed: what is wrong is said in one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import refused, start

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--attack", "lowky"], "did you mean 'lowkey'"),
        (["--adversary", "adaptve"], "did you mean 'adaptive'"),
        (["--adversary", "adaptive:e2", "--everywhere"], "did you mean 'adaptive:e2e'"),
        (["--adversary", "adaptive@lowky"], "did you mean 'lowkey'"),
        (["--transform", "jpg:75"], "did you mean 'jpeg'"),
        (
            ["--transform", "jpeg:500"],
            "quality of 'jpeg:500' is '500'; expected less than or equal to 100",
        ),
        (
            ["--transform", "jpeg:10..110"],
            "quality of 'jpeg:110' is '110'; expected less than or equal to 100",
        ),
        (["--transform", "jpeg:95..10"], "expected the lower end first"),
        (["--recogniser", "dlib2"], "did you mean 'dlib'"),
        (["--recogniser", "nowhere.py"], "nowhere.py is not a file"),
        (["--dataset", "nowhere"], "no data set is called 'nowhere'"),
        (["--dataset", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["--attack", "lowkey:stepz=4"], "no option 'stepz'"),
        (["--attack", "lowkey:steps=-1"], "expected greater than or equal to 0"),
        (["--measure", "rank"], "did you mean 'rank-k'"),
        (["--scenario", "mixed:2"], "expected less than or equal to 1"),
        (["--matcher", "nm"], "did you mean 'nn'"),
        (["--protected", "0"], "protected is '0'"),
        (["--seeds", "0"], "seeds is '0'"),
        (["--plan", "nowhere.toml"], "nowhere.toml cannot be read"),
        (["--preset", "fast"], "no preset is called 'fast'"),
    ],
)
def test_a_usage_error_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert message in refused("audit", "--surrogate", "dlib", "--recogniser", "dlib", *arguments)
    assert [*tmp_path.glob("runs/*")] == []


def test_a_process_ends_with_it(tmp_path: Path) -> None:
    run = cli("audit", "--attack", "lowky", "--out", str(tmp_path / "run"))
    assert run.returncode == 2, run.stderr
    assert "did you mean 'lowkey'" in run.stderr
    assert "Traceback" not in run.stderr


def test_without_faces_real_ones_are_said_to_be_missing(tmp_path: Path) -> None:
    kept = ["--out", f"{tmp_path}/run", "--cache", f"{tmp_path}/cache"]
    run = cli("audit", "--dataset", "lfw", *kept, CLOAK_ASSETS=str(tmp_path))
    assert run.returncode == 2
    assert "CLOAK_ASSETS" in run.stderr


@pytest.mark.faces
def test_a_whole_audit_from_the_command_line(tmp_path: Path) -> None:
    """Real faces and recognisers, a few steps: every exit but the figures. It opens no socket."""
    arguments = (
        "--preset quick --surrogate dlib --recogniser edgeface:xxs,dlib --attack lowkey:steps=1 "
        "--adversary adaptive,detection --epochs 1 --protected 2 --probes 2 --gallery 2 "
        "--background 2 --others 4 --distractors 4 --ranks 1,5 --json "
        f"--out {tmp_path}/run --cache {tmp_path}/cache"
    )
    run = start("audit", *arguments.split())
    said, why = run.communicate(timeout=280)
    assert run.returncode in (0, 3), why
    assert json.loads(said) == json.loads((tmp_path / "run" / "report.json").read_text())
    shown = cli("report", f"{tmp_path}/run", "--format", "markdown")
    assert shown.stdout == (tmp_path / "run" / "report.md").read_text()
    assert "not held out" in shown.stdout


def cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_interrupting_says_how_to_go_on(tmp_path: Path) -> None:
    """SIGINT as soon as the command has said what it will do."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "cli.py"), "audit", "--out", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert " people x " in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command resumes" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "arguments",
    [["--attack", "folder"], ["--cloaked", "."], ["--attack", "folder", "--cloaked", "x"]],
)
def test_a_folder_of_copies_is_asked_for_by_name(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "Ann").mkdir()
    (tmp_path / "Ann" / "1.png").touch()
    given = ["--dataset", tmp_path, "--recogniser", "dlib", "--out", tmp_path / "run"]
    said = refused("audit", *given, *arguments)
    assert "--cloaked" in said or "--attack folder" in said


GATE = '[[gate]]\nname = "protects"\nadversary = "oblivious"\nat_least = 0.5\n'


def test_an_audit_is_judged_in_one_step(portraits: Path, tmp_path: Path) -> None:
    """Everybody looks alike there: the control fails, so nothing is decided."""
    (tmp_path / "gates.toml").write_text(GATE)
    kept = ["--out", f"{tmp_path}/run", "--cache", f"{tmp_path}/cache"]
    run = cli(
        "audit", "--plan", f"{portraits}/plan.toml", "--gate", f"{tmp_path}/gates.toml", *kept
    )
    assert run.returncode == 3, run.stderr
    assert "INCONCLUSIVE  protects: protection at least 0.5" in run.stderr
    assert "gate: inconclusive (1 inconclusive)" in run.stderr
    assert "the control is broken" in run.stderr


def test_a_policy_that_cannot_be_read_ends_an_audit_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(GATE + "at_leest = 1\n")
    run = cli("audit", "--gate", f"{tmp_path}/gates.toml", "--out", f"{tmp_path}/run")
    assert run.returncode == 2
    assert "line 5, gate 1, at_leest" in run.stderr
    assert not (tmp_path / "run").exists()
    alone = cli("audit", "--baseline", f"{tmp_path}/run")
    assert "--baseline was given without --gate" in alone.stderr
