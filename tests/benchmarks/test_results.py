"""Results are kept at once, are not measured twice, and are rendered where they belong."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import pytest

from audit import report as reports
from benchmarks import critique, documents, record, results
from lowkey_core.errors import AuditError

ONE = "a\n\n<!-- results: one -->\nold\n<!-- end -->\n\nb\n"
TWO = "<!-- results: two -->\n<!-- end -->\n"
CLEAN = "c" * 40


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two benchmarks, `good` and `bad`, and documents with a place for `one` and `two`."""

    def fail() -> record.Measured:
        raise AuditError("it is bad", expected="good", remedy="no")

    for name, measure in (("good", lambda: {"x": [1, 2]}), ("bad", fail)):
        module = types.ModuleType(name)
        vars(module).update(
            TIMED=True, measure=measure, tables=lambda m: {"one": f"new {m['x'][1]}", "lost": ""}
        )
        monkeypatch.setitem(sys.modules, f"benchmarks.{name}", module)
    monkeypatch.setattr(results, "NAMES", ("good", "bad"))
    monkeypatch.setattr(record, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(record, "FOLDER", tmp_path / "work")
    monkeypatch.setattr(record, "commit", lambda: CLEAN)
    monkeypatch.setattr(record.os, "getloadavg", lambda: (0.1, 0, 0))
    empty = (("benchmarks/README.md", ""), ("web/templates/measured.md", ""))
    for name, text in (("README.md", ONE), ("docs/x.md", TWO), *empty):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_measured_kept_and_rendered(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert results.missing("good", again=False)
    assert results.measure("good", busy=False, patience=0) == 0
    assert results.measure("bad", busy=False, patience=0) == 2
    assert "bad: it is bad; expected good; no" in capsys.readouterr().err
    text = (project / "results/good.json").read_text()
    assert '"x": [1, 2]' in text
    about = json.loads(text)["about"]
    assert about["command"] == "python -m benchmarks.good"
    assert {"date", "commit", "processor", "cores", "threads", "load", "versions"} < about.keys()
    assert results.render(project) == [
        "docs/x.md: two was not measured, kept as it was",
        "lost stands in no document",
    ]
    assert (project / "README.md").read_text() == ONE.replace("old", "new 2")
    assert (project / "docs/x.md").read_text() == TWO


def test_each_in_a_process_and_a_failure_loses_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def start(command: list[str], **_: object) -> types.SimpleNamespace:
        started.append(command[3:])
        return types.SimpleNamespace(returncode="bad" in command)

    monkeypatch.setattr(results.subprocess, "run", start)
    assert results.run([], again=False, busy=True) == ["bad"]
    assert started == [["good", "--here", "0", "--busy"], ["bad", "--here", "300.0", "--busy"]]


def test_what_is_measured_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results.measure("good", busy=False, patience=0)
    assert not results.missing("good", again=False)
    assert not results.missing("good", again=True), "by this very code"
    monkeypatch.setattr(record, "commit", lambda: "d" * 40)
    assert results.missing("good", again=True)
    assert not results.missing("good", again=False)


@pytest.mark.parametrize("how", ["in a process", "alone"])
def test_a_busy_machine_is_not_timed(
    how: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(record.os, "getloadavg", lambda: (1.5, 0, 0))

    def measure(*, busy: bool) -> object:
        if how == "in a process":
            return results.measure("good", busy=busy, patience=0)
        monkeypatch.setattr(sys, "argv", ["good", *["--busy"] * busy])
        try:
            record.alone("good", results.load("good"))
        except SystemExit as error:
            return error.code
        return 0

    assert measure(busy=False) == 2
    assert "busy (load 1.50 in the last minute); expected at most 0.7" in capsys.readouterr().err
    assert measure(busy=True) == 0


def test_the_load_of_what_ran_before_may_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = iter((1.2, 0.9, 0.5))
    monkeypatch.setattr(record.os, "getloadavg", lambda: (next(loads), 0, 0))
    monkeypatch.setattr(record.time, "sleep", lambda _: None)
    record.wait_until_idle(patience=60)
    assert next(loads, None) is None


def test_pieces_outlive_an_interruption(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def make() -> record.Measured:
        made.append(1)
        return {"n": len(made)}

    assert [record.piece("good-a", make)["n"] for _ in range(3)] == [1, 1, 1]
    record.fresh("good-a")
    record.forget("good")
    assert record.piece("good-a", make) == {"n": 2}
    monkeypatch.setattr(record, "commit", lambda: "d" * 40)
    assert record.piece("good-a", make) == {"n": 3}
    monkeypatch.setattr(record, "commit", lambda: f"{CLEAN}+changes")
    assert [record.piece("good-a", make)["n"] for _ in range(2)] == [4, 5]


def test_results_read_well_and_are_the_same() -> None:
    given = {"a": [1, -2.5, 1e-9], "b": {"c": []}, "d": [{"e": 1}], "f": ["x", "1, 2"], "g": None}
    text = record.as_text(given)
    assert json.loads(text) == given
    assert '"a": [1, -2.5, 1e-09]' in text


def test_the_command_line_says_no(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["results", "none-such"])
    with pytest.raises(SystemExit, match="2"):
        results.main()


def test_calling_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(record, "ROOT", tmp_path)
    (tmp_path / "cli.py").write_text("import sys; sys.exit(int(sys.argv[1]))")
    assert record.called("3", codes=(0, 3)) > 0
    with pytest.raises(AuditError, match=r"`cli\.py 4` exits with 4; expected one of 0, 3"):
        record.called("4", codes=(0, 3))


@pytest.mark.parametrize(
    "text",
    [
        ONE.replace("<!-- end -->\n", ""),
        ONE.replace("old\n", "old"),
        "<!-- end -->\n" + ONE,
        ONE.replace("old", "<!-- results: two -->"),
        ONE.replace("<!-- results: one -->\n", "text <!-- results: one -->\n"),
    ],
)
def test_broken_markers_are_refused(text: str) -> None:
    with pytest.raises(AuditError, match="each on a line of its own"):
        documents.markers(text)


def test_rendering_twice_changes_nothing() -> None:
    once = documents.rendered(ONE + TWO, {"one": "| x |\n", "two": "y"})
    assert documents.rendered(once, {"one": "| x |", "two": "y\n"}) == once
    assert documents.markers(once) == ["one", "two"]
    assert documents.rendered(ONE, {"one": r"\1 \g<name>"}).count(r"\1 \g<name>") == 1


@pytest.mark.parametrize("name", [n for n in results.NAMES if n.startswith(("critique", "cloaks"))])
def test_every_plan_that_is_audited_is_a_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = list[Path]()
    monkeypatch.setattr(record, "called", lambda *words, codes: plans.append(Path(words[2])))
    monkeypatch.setattr(record, "fresh", Path)
    monkeypatch.setattr(record, "piece", lambda name, make: make())
    monkeypatch.setattr(reports, "read", lambda folder: folder)
    monkeypatch.setattr(critique, "_numbers", lambda found: {})
    results.load(name).measure()
    assert plans
    assert all(plan.is_file() for plan in plans)
