"""Two commits of a tiny repository, whose cli.py writes a report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import compare
from benchmarks.numbers import Counts
from lowkey_core.errors import AuditError

CLI = """
import json, os, sys
from pathlib import Path
import lowkey_core
given = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert not Path(given["--cache"]).exists(), "a cache that was used before"
assert lowkey_core.OWN, "another folder's modules"
Path(given["--out"]).mkdir()
counts = {"value": lowkey_core.VALUE, "threads": int(os.environ["OMP_NUM_THREADS"])}
counts["absolute"] = os.path.isabs(os.environ["CLOAK_ASSETS"])
report = {"version": 2, "cells": [], "counts": counts, "timings": {"asked": len(given)}}
Path(given["--out"], "report.json").write_text(json.dumps(report))
sys.exit(int(given.get("--exit", 3)))
"""


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    command = ["git", "-C", str(folder), *who, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tagged `one`, `same` and `two`; the last finds another value."""
    monkeypatch.setenv("CLOAK_ASSETS", "assets")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    folder = tmp_path / "code"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "cli.py").write_text(CLI)
    for tag, value in (("one", 1), ("same", 1), ("two", 2)):
        (folder / "lowkey_core.py").write_text(f"OWN = {tag!r}; VALUE = {value}\n")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", tag)
        git(folder, "tag", tag)
    monkeypatch.setattr(compare, "ROOT", folder)
    return folder


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    monkeypatch.setattr(sys, "argv", ["compare", *words])
    with pytest.raises(SystemExit) as exit_:
        compare.main()
    return exit_.value.code


def test_commits_that_find_the_same(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "one", "same", "--threads", "2", "--new", "audit") == 0
    said = capsys.readouterr().out
    assert "3 numbers compared, 3 equal\n" in said
    assert "time: asked: 3.0 s, then 2.0 s\n" in said
    assert "time: wall time: " in said
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_commits_that_do_not(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "one", "two") == 1
    assert "differs: counts | value: 1.0, then 2.0 (+1)\n" in capsys.readouterr().out
    assert call(monkeypatch, "one", "two", "--tolerance", "1") == 0
    assert call(monkeypatch, "one", "two", "--rename", "value=price") == 0
    said = capsys.readouterr().out
    assert "only in the old: counts | price: 1.0\n" in said
    assert "only in the new: counts | value: 2.0\n" in said


def test_what_cannot_be_compared_leaves_nothing_behind(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "one", "none-such") == 2
    assert "no worktree of 'none-such'" in capsys.readouterr().err
    assert call(monkeypatch, "one", "two", "--old", "audit --exit 2") == 2
    assert "`audit --exit 2` of one exits with 2; expected" in capsys.readouterr().err
    assert len(git(repository, "worktree", "list").splitlines()) == 1


@pytest.mark.parametrize("wrong", [["--rename", "x"], ["--threads", "0"], ["--tolerance", "-1"]])
def test_wrong_flags_are_refused(wrong: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(monkeypatch, "one", "two", *wrong) == 2


def test_a_worktree_goes_when_its_user_fails(repository: Path, tmp_path: Path) -> None:
    def interrupted() -> None:
        with compare.worktree(repository, "one", tmp_path / "w") as code:
            assert (code / "cli.py").is_file()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not (tmp_path / "w").exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_nothing_in_common_is_not_agreement() -> None:
    assert not compare.agree({"a": 1.0}, {"b": 1.0}, 0)
    assert compare.agree({"a": float("nan")}, {"a": float("nan")}, 0)
    assert not compare.agree({"a": 1.0}, {"a": Counts((1,), (1,))}, 9)


def test_counts_are_compared_person_by_person() -> None:
    old, new = {"x": Counts((1, 0), (1, 1))}, {"x": Counts((0, 1), (1, 1))}
    assert "(the same rate, other identities)" in [*compare.lines(old, new, 0)][1]
    assert "(-0.5)" in [*compare.lines(old, {"x": Counts((0, 0), (1, 1))}, 0)][1]


def test_the_environment_is_ours_but_for_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "x")
    monkeypatch.delenv("CLOAK_ASSETS", raising=False)
    given = compare.environment(3)
    assert given["OMP_NUM_THREADS"] == "3"
    assert given["PATH"] == os.environ["PATH"]
    assert not {"PYTHONPATH", "CLOAK_ASSETS"} & given.keys()


def test_errors_say_what_to_do(repository: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(AuditError, match="expected a commit, tag or branch"),
        compare.worktree(repository, "none-such", tmp_path / "w"),
    ):
        raise AssertionError("no worktree")
