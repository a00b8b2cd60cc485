"""What stands around a gate: `compare`, `runs list`, the badge, the pytest plugin, the action."""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import shlex
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from audit import gate, policy, statistics
from audit.outcomes import Cell, Rate
from audit.report import AuditReport
from lowkey_core.errors import GateError, UnknownNameError
from reports.console.badge import drawn
from reports.console.runs import listed
from reports.console.side_by_side import Row, compared, written
from tests.audit.plans import changed
from tests.audit.samples import PEOPLE, PROBES, rate, sample
from tests.audit.test_runs import finished

pytest_plugins = ("pytester",)
ROOT = Path(__file__).parents[2]
PLUGIN = "reports.console.pytest_gate"
POLICY = '[[gate]]\nname = "newer"\nadversary = "oblivious"\nnewer = true\nat_least = 0.6\n'
HITS = {"pass": 0, "fail": 4, "inconclusive": 1}
"""Probes of each person that the newer recogniser identifies."""


def row(runs: list[tuple[str, AuditReport]], run: str, recogniser: str = "new") -> Row:
    (found,) = (
        r
        for r in compared(runs).rows
        if (r.run, r.recogniser, r.adversary, r.transform) == (run, recogniser, "oblivious", "none")
    )
    return found


def test_runs_of_the_same_people_are_paired() -> None:
    first, other = sample(newer=rate(0, 1, 2, 3, 4, 0, 0, 0, 0, 0)), sample(newer=2)
    found = row([("a", first), ("b", other)], "b")
    gap, ends = statistics.difference(
        ([2] * PEOPLE, [PROBES] * PEOPLE), ([4, 3, 2, 1, 0, 4, 4, 4, 4, 4], [PROBES] * PEOPLE)
    )
    assert (found.difference, found.difference_low, found.difference_high) == (gap, *ends)
    assert row([("a", first), ("b", other)], "a").difference is None
    assert any(
        "b less a: paired by person" in line
        for line in compared([("a", first), ("b", other)]).about
    )


@pytest.mark.parametrize("form", ["markdown", "csv", "json"])
def test_runs_of_other_people_have_no_difference_and_that_is_said(form: str) -> None:
    other = sample().model_copy(update={"plan": changed(sample().plan, seed=3)})
    found = compared([("a", sample()), ("b", other)])
    assert all(r.difference is None for r in found.rows)
    assert "seed is 3 and 0" in written(found, form)
    assert "a: lowkey; 10 people of lfw, 40 probes" in written(found, form)


def test_a_comparison_has_two_runs_and_a_format_that_exists() -> None:
    with pytest.raises(GateError, match="1 run was named"):
        compared([("a", sample())])
    with pytest.raises(UnknownNameError, match="no format is called 'pdf'"):
        written(compared([("a", sample()), ("b", sample())]), "pdf")


def test_csv_and_json_hold_every_row_and_no_formula() -> None:
    found = compared([("=cmd()", sample(called="@x|<b>")), ("b", sample(called="@x|<b>"))])
    text = "".join(
        line for line in written(found, "csv").splitlines(keepends=True) if line[0] != "#"
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(found.rows) == len(json.loads(written(found, "json"))["rows"])
    assert {r["run"] for r in rows} == {"'=cmd()", "b"}
    assert "\\<b\\>" in written(found, "markdown")
    assert "@x\\|" in written(found, "markdown")


def test_runs_are_listed_in_every_format(tmp_path: Path) -> None:
    finished(tmp_path / "a|b")
    finished(tmp_path / "=c")
    assert [r["run"] for r in json.loads("\n".join(listed(tmp_path, "json")))] == ["=c", "a|b"]
    assert [r["run"] for r in csv.DictReader(listed(tmp_path, "csv"))] == ["'=c", "a|b"]
    head, _, *rows = listed(tmp_path, "markdown")
    assert head.startswith("| run | date |")
    assert rows[1].startswith("| a\\|b |")
    with pytest.raises(UnknownNameError):
        listed(tmp_path, "pdf")


@pytest.mark.parametrize(("result", "hits"), HITS.items())
def test_a_badge_says_what_the_gate_says(result: str, hits: int, tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(POLICY)
    verdict = gate.judge(policy.read(tmp_path / "gates.toml"), sample(newer=hits))
    said = json.loads(drawn(verdict, "json"))
    assert said["schemaVersion"] == 1
    assert said["message"].startswith(result)
    picture = ET.fromstring(drawn(verdict, "svg"))
    assert picture.attrib["aria-label"] == f"cloak: {said['message']}"
    with pytest.raises(UnknownNameError):
        drawn(verdict, "gif")


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A cloak author's folder: a policy, and runs."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (pytester.path / "gates.toml").write_text(POLICY)
    for result, hits in HITS.items():
        sample(newer=hits).save(pytester.path / "runs" / result / "report.json")
    return pytester


def run_by_pytest(project: pytest.Pytester, *words: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-p", PLUGIN, "-v", *words)


@pytest.mark.parametrize(
    ("run", "passed", "failed"), [("pass", 1, 0), ("fail", 0, 1), ("inconclusive", 0, 1)]
)
def test_each_condition_is_a_test(
    run: str, passed: int, failed: int, project: pytest.Pytester
) -> None:
    done = run_by_pytest(project, "--cloak-gate", "gates.toml", "--cloak-run", f"runs/{run}")
    done.assert_outcomes(passed=passed, failed=failed)
    done.stdout.fnmatch_lines(["*cloak-gate::newer*"])
    if failed:
        done.stdout.fnmatch_lines([f"{run}: protection at least 0.6", "*lowkey, oblivious, new*"])


def test_what_is_undecided_is_skipped_if_asked_for(project: pytest.Pytester) -> None:
    words = ("--cloak-gate", "gates.toml", "--cloak-run", "runs/inconclusive")
    run_by_pytest(project, *words, "--cloak-inconclusive", "skip").assert_outcomes(skipped=1)


def test_the_plugin_leaves_other_tests_alone_and_says_what_is_wrong(
    project: pytest.Pytester,
) -> None:
    project.makepyfile("def test_mine(): pass")
    run_by_pytest(project).assert_outcomes(passed=1)
    half = run_by_pytest(project, "--cloak-gate", "gates.toml")
    assert half.ret == pytest.ExitCode.USAGE_ERROR
    (project.path / "gates.toml").write_text(POLICY + "at_leest = 1\n")
    wrong = run_by_pytest(project, "--cloak-gate", "gates.toml", "--cloak-run", "runs/pass")
    assert wrong.ret == pytest.ExitCode.USAGE_ERROR
    wrong.stderr.fnmatch_lines(["*line 6, gate 1, at_leest*"])


def test_the_plugin_is_an_entry_point() -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    module = importlib.import_module(known["pytest11"]["cloak-gate"])
    assert module.__name__ == PLUGIN
    assert callable(module.pytest_addoption)


STEPS = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]


def acted(folder: Path, inputs: dict[str, str]) -> tuple[int, dict[str, str], str]:
    """Runs the steps that are bash, but for the one that installs, until one fails. Those that
    keep work and upload what was found are other actions (`uses:`), and are not run here.

    Returns its code, the steps' outputs and the summary.
    """
    (folder / "bin").mkdir()
    command = folder / "bin" / "lowkey-audit"
    command.write_text(
        f'#!/bin/sh\nexec {shlex.join([sys.executable, str(ROOT / "cli.py")])} "$@"\n'
    )
    command.chmod(0o755)
    outputs, summary = dict[str, str](), folder / "summary.md"
    summary.touch()
    for step in (s for s in STEPS if "run" in s and s["name"] != "Install"):
        said = folder / "output"
        said.write_text("")
        given = {}
        for name, value in step.get("env", {}).items():
            key = value.removeprefix("${{ ").removesuffix(" }}").split(".")
            given[name] = inputs[key[1]] if key[0] == "inputs" else outputs[f"{key[1]}.{key[3]}"]
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=folder,
            env={
                **os.environ,
                **given,
                "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
                "GITHUB_OUTPUT": str(said),
                "GITHUB_STEP_SUMMARY": str(summary),
            },
            check=False,
            capture_output=True,
            text=True,
        )
        for line in said.read_text().splitlines():
            name, _, value = line.partition("=")
            outputs[f"{step['id']}.{name}"] = value
        if done.returncode:
            return done.returncode, outputs, summary.read_text()
    return 0, outputs, summary.read_text()


def inputs(**changes: str) -> dict[str, str]:
    made = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    return {**{name: known.get("default", "") for name, known in made.items()}, **changes}


@pytest.mark.parametrize(("result", "code"), [("pass", 0), ("fail", 1), ("inconclusive", 3)])
def test_the_actions_steps_end_as_the_gate_does(result: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(POLICY)
    sample(newer=HITS[result]).save(tmp_path / "a run" / "report.json")
    ended, outputs, summary = acted(tmp_path, inputs(policy="gates.toml", run="a run"))
    assert (ended, outputs["judge.result"]) == (code, result)
    assert f"### Cloak gate: {result}" in summary
    assert "gate: " + result in summary
    assert "# " in summary.partition("gate: ")[2], "the report follows"
    assert json.loads((tmp_path / "cloak-badge.json").read_text())["message"].startswith(result)


def test_the_action_passes_what_is_undecided_if_asked_and_never_an_error(tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(POLICY)
    sample(newer=1).save(tmp_path / "run" / "report.json")
    asked = inputs(policy="gates.toml", run="run", inconclusive="pass")
    assert acted(tmp_path, asked)[0] == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "gates.toml").write_text(POLICY + "at_leest = 1\n")
    (tmp_path / "other" / "run").symlink_to(tmp_path / "run")
    assert acted(tmp_path / "other", asked)[0] == 2


def test_a_cloak_that_protects_nobody_never_passes() -> None:
    """1,000 audits of a cloak that does nothing: what is missed is what clean probes miss."""
    import numpy as np

    rng = np.random.default_rng(11)
    condition = policy.Condition(name="any", adversary=("oblivious",), newer=True, at_least=0.5)
    passed = 0
    for _ in range(1000):
        hits = rng.binomial(PROBES, rng.beta(9.5, 0.5, PEOPLE))
        report = NULL.model_copy(
            update={
                "cells": tuple(
                    c if c.recogniser != "new" else _with(c, rate(*hits.tolist()))
                    for c in NULL.cells
                )
            }
        )
        passed += gate.judged(condition, report, None)[0].result == "pass"
    assert passed == 0


NULL = sample()


def _with(cell: Cell, hits: Rate) -> Cell:
    found = cell.outcomes["rank-1"].model_copy(update={"cloaked": hits})
    return cell.model_copy(update={"outcomes": {**cell.outcomes, "rank-1": found}})
