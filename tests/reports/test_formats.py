"""JUnit, SARIF, CSV, LaTeX and annotations are what those who read them expect."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import junitparser
import pytest

from audit.findings import answers
from audit.outcomes import rank
from audit.report import AuditReport
from reports import render
from reports.latex import escape
from tests.audit.samples import CLOAK, cell, sample
from tests.reports import hostile


def text(name: str, report: AuditReport) -> str:
    made = render(name, report)
    assert isinstance(made, str)
    return made


def impossible() -> AuditReport:
    """The detector could not take the cloak on; nobody retrained."""
    report = sample()
    none = {"impossible": {CLOAK.attack: "it is a black box"}}
    first, _, last = report.adversaries
    cells = tuple(c for c in report.cells if c.adversary == "oblivious")
    return report.model_copy(
        update={"adversaries": (first, last.model_copy(update=none)), "cells": cells}
    )


# --- JUnit ---

REPORTS = pytest.mark.parametrize(
    "report",
    [sample(), sample(control=2), impossible(), hostile.report(hostile.NAMES["a tag"])],
    ids=["measured", "inconclusive", "impossible", "hostile"],
)


@REPORTS
def test_junit_counts_what_a_reader_counts(report: AuditReport) -> None:
    for suite in junitparser.JUnitXml.fromstring(text("junit", report).encode()):
        said = (suite.tests, suite.failures, suite.errors, suite.skipped)
        suite.update_statistics()
        assert said == (suite.tests, suite.failures, suite.errors, suite.skipped)
        names = [(case.classname, case.name) for case in suite]
        assert len(names) == len(set(names)), "two tests of one name"


def results(report: AuditReport) -> dict[str, int]:
    """How many tests failed, were errors, were skipped."""
    read = junitparser.JUnitXml.fromstring(text("junit", report).encode())
    read.update_statistics()
    return {"failures": read.failures, "errors": read.errors, "skipped": read.skipped}


def test_in_junit_no_figure_fails_a_test_and_a_broken_control_is_an_error() -> None:
    assert results(sample()) == {"failures": 0, "errors": 0, "skipped": 0}
    broken = sample(control=2)
    figures = [f for a in answers(broken) for f in a.findings if not f.conclusive]
    blocking = [c for c in broken.caveats if c.blocking]
    assert results(broken)["errors"] == len(figures) + len(blocking) > 0
    assert results(impossible())["skipped"] == 2, "the retraining, and the detector"


# --- SARIF ---


def run_of(report: AuditReport) -> dict[str, Any]:
    log = json.loads(text("sarif", report))
    (run,) = log["runs"]
    return dict(run)


@REPORTS
def test_sarif_names_only_rules_that_it_describes(report: AuditReport) -> None:
    run = run_of(report)
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert run["tool"]["driver"]["name"] == "lowkey-audit"
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]


@REPORTS
def test_in_sarif_only_what_failed_has_a_level(report: AuditReport) -> None:
    """Section 3.27.10: where `kind` is not `fail`, `level` is `none`."""
    kinds = {"informational", "review", "open", "notApplicable"}
    for result in run_of(report)["results"]:
        assert result["kind"] in kinds | {"fail"}
        assert (result["level"] == "none") == (result["kind"] in kinds)


def test_sarif_has_an_error_for_what_blocks_and_every_figure_as_a_number() -> None:
    broken = sample(control=2)
    levels = [r["level"] for r in run_of(broken)["results"]]
    assert levels.count("error") == sum(c.blocking for c in broken.caveats) > 0
    assert levels.count("warning") == sum(not c.blocking for c in broken.caveats)
    figures = [f for a in answers(sample()) for f in a.findings]
    kept = [r["properties"] for r in run_of(sample())["results"] if "properties" in r]
    assert [p["protection"] for p in kept] == [f.protection.value for f in figures]
    kinds = {r["kind"] for r in run_of(impossible())["results"]}
    assert {"notApplicable", "open"} <= kinds


# --- CSV ---


def test_csv_reproduces_every_figure_of_the_table() -> None:
    report = sample()
    rows = [*csv.DictReader(io.StringIO(text("csv", report)))]
    assert len(rows) == sum(len(c.outcomes) for c in report.cells)
    first = [row for row in rows if row["outcome"] == rank(1)]
    for row, of in zip(first, report.cells, strict=True):
        assert (row["cloak"], row["adversary"], row["recogniser"]) == of.place[:3]
        assert (row["matcher"], row["transform"], row["scenario"]) == of.place[3:]
        low, _ = of.control.interval
        assert (float(row["clean"]), float(row["clean_low"])) == (of.control.value, low)
        assert int(row["clean_hits"]) == sum(of.control.hits)
        if of.protection.value is None:
            assert row["protection"] == "", "everybody was detected"
            assert int(row["detected"]) == int(row["people"]) == len(of.detected)
        else:
            found = tuple(float(row[f"protection{end}"]) for end in ("", "_low", "_high"))
            assert found == (of.protection.value, *of.protection.interval)
    assert {row["value"] for row in rows if row["outcome"] == "flagged"} == {"0.999"}


def test_csv_leaves_out_who_was_detected_where_recognition_is_counted() -> None:
    gone = cell(4, detected=(True,) * 4 + (False,) * 6, adversary="detection")
    report = sample()
    report = report.model_copy(update={"cells": (*report.cells[:-1], gone)})
    row = [*csv.DictReader(io.StringIO(text("csv", report)))][-3]
    assert (row["outcome"], row["detected"]) == ("rank-1", "4")
    assert (row["cloaked_hits"], row["cloaked_trials"]) == ("24", "24")


def test_csv_says_what_was_not_possible() -> None:
    rows = [*csv.DictReader(io.StringIO(text("csv", impossible())))]
    assert [row["adversary"] for row in rows if row["impossible"]] == ["detection"]


# --- LaTeX ---


def test_latex_sets_letters_by_commands_and_others_by_number() -> None:
    assert escape("Zoë Łódź") == r"Zo{\"{e}} \L{}{\'{o}}d{\'{z}}"
    assert escape("naï") == r"na{\"{\i}}"
    assert escape("中") == "U+4E2D"
    assert escape(r"\input{x}") == r"\textbackslash{}input\{x\}"
    assert escape("--adversary") == "-{}-adversary"
    assert escape("a" * 30).count(r"\allowbreak{}") == 2


def test_latex_without_a_document_is_its_tables() -> None:
    whole, part = text("latex", sample()), text("latex:document=false", sample())
    assert part in whole
    assert r"\documentclass" in whole.partition(part)[0]
    assert r"\documentclass" not in part


@REPORTS
def test_latex_compiles(report: AuditReport, tmp_path: Path) -> None:
    compiler, finder = shutil.which("pdflatex"), shutil.which("kpsewhich")
    if (
        not compiler
        or not finder
        or subprocess.run([finder, "booktabs.sty"], check=False).returncode
    ):
        pytest.skip("NOT CHECKED: no pdflatex with booktabs (Debian: texlive-latex-recommended)")
    (tmp_path / "report.tex").write_text(text("latex", report))
    command = [compiler, "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:]
    assert (tmp_path / "report.pdf").stat().st_size > 1000


# --- annotations ---


def test_annotations_are_one_for_each_caveat_and_each_question() -> None:
    report = sample(control=2)
    lines = text("annotations", report).splitlines()
    levels = [line.split(" ")[0] for line in lines]
    blocking = sum(c.blocking for c in report.caveats)
    assert levels.count("::error") == blocking > 0
    assert levels.count("::warning") == len(report.caveats) - blocking
    assert levels.count("::notice") == len(answers(report))
    assert text("annotations", sample()).count("::error") == 0


def test_an_annotation_holds_the_figures_of_its_question() -> None:
    line = next(x for x in text("annotations", sample()).splitlines() if "retraining" in x)
    assert line.startswith("::notice title=lowkey%3A Does it survive robust retraining?::old ")
    assert "protection 0.00 [" in line
