"""Formats are held to others' schemas, and to what the terminal shows."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path

import jsonschema
import pytest
from jsonschema.validators import validator_for
from lxml import etree

from audit.outcomes import Cell, rank
from audit.report import AuditReport, read
from reports import render
from tests.audit.samples import cell, rate, sample
from tests.reports import hostile
from tests.reports.test_formats import impossible, text

SCHEMAS = Path(__file__).parent / "schemas"
SARIF = json.loads((SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text())
JUNIT = etree.XMLSchema(etree.parse(SCHEMAS / "junit-10.xsd"))


def top_two(report: AuditReport) -> AuditReport:
    """One more cell, of an adversary that names two candidates and is scored at rank 2."""
    known, *others = report.adversaries
    pair = known.model_copy(update={"name": "pair", "baseline": False, "scored_at": 2})
    found = cell(0, adversary="pair", scored_at=2)
    both = {rank(2): found.outcomes[rank(5)], **found.outcomes}
    cells = (*(_ranked(c) for c in report.cells), found.model_copy(update={"outcomes": both}))
    return report.model_copy(update={"adversaries": (known, pair, *others), "cells": cells})


def _ranked(of: Cell) -> Cell:
    return of.model_copy(update={"outcomes": {**of.outcomes, rank(2): of.outcomes[rank(5)]}})


def partly_detected() -> AuditReport:
    """Four of ten people were detected; of the others some were found."""
    spotted = (True,) * 4 + (False,) * 6
    hits = rate(4, 4, 4, 4, 1, 0, 2, 0, 3, 1)
    report = sample()
    gone = cell(hits, detected=spotted, adversary="detection")
    return report.model_copy(update={"cells": (*report.cells[:-1], gone)})


REPORTS = {
    "measured": sample(),
    "inconclusive": sample(control=2),
    "impossible": impossible(),
    "partly detected": partly_detected(),
    "at rank 2": top_two(sample()),
    **{f"hostile, {kind}": hostile.report(name) for kind, name in hostile.NAMES.items()},
}
EVERY_REPORT = pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS.keys())


@EVERY_REPORT
def test_junit_is_valid_by_the_schema_of_jenkins(report: AuditReport) -> None:
    JUNIT.assertValid(etree.fromstring(text("junit", report).encode()))


def test_the_schema_of_jenkins_refuses_what_is_no_junit() -> None:
    stripped = text("junit", sample()).replace(" failures=", " failed=")
    with pytest.raises(etree.DocumentInvalid, match="failed"):
        JUNIT.assertValid(etree.fromstring(stripped.encode()))


@EVERY_REPORT
def test_sarif_is_valid_by_its_schema(report: AuditReport) -> None:
    log = json.loads(text("sarif", report))
    checker = validator_for(SARIF)
    checker.check_schema(SARIF)
    checker(SARIF, format_checker=checker.FORMAT_CHECKER).validate(log)
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("/sarif-schema-2.1.0.json")


def test_the_schema_of_sarif_refuses_what_is_none() -> None:
    log = json.loads(text("sarif", sample()))
    log["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError, match="fatal"):
        validator_for(SARIF)(SARIF).validate(log)


# --- CSV beside the terminal ---


def shown(report: AuditReport, title: str) -> list[list[str]]:
    """The cells of a table as the terminal has it, row by row, whole."""
    lines = iter(text("terminal", report).splitlines())
    while next(lines).strip() != title:
        pass
    for _ in range(3):
        next(lines)
    rows = list[list[str]]()
    for line in lines:
        if line.startswith("└"):
            return rows
        rows.append([part.strip() for part in line.strip("│").split("│")])
    raise AssertionError(f"{title} does not end")


def figure(row: dict[str, str], name: str) -> str:
    """A rate with its interval, as people read it."""
    if row[name] == "":
        return "-"
    value, low, high = (float(row[f"{name}{end}"]) for end in ("", "_low", "_high"))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def from_csv(report: AuditReport) -> list[list[str]]:
    """The columns of the terminal's table of every measurement, from the CSV report alone: one
    row for each figure of protection, and for each place where everybody was detected."""
    rows = list(csv.DictReader(io.StringIO(text("csv", report))))
    places = ("cloak", "adversary", "recogniser", "matcher", "scenario", "transform")
    read_at = {tuple(r[p] for p in places): r for r in rows if r["protection"]}
    found = list[list[str]]()
    for row in rows:
        place = tuple(row[p] for p in places)
        if row["outcome"] != "rank-1":
            continue
        scored = read_at.get(place, row)
        at = "" if scored["outcome"] == "rank-1" else f" (at {scored['outcome'].replace('-', ' ')})"
        newer = " (newer)" if row["newer"] == "true" else ""
        held = {"true": "", "false": " (not held out)", "": " (lineage not stated)"}
        gone = f", {row['detected']} detected" if int(row["detected"]) else ""
        found.append(
            [
                row["cloak"],
                row["adversary"] + at,
                row["recogniser"] + newer + held[row["held_out"]],
                *place[3:],
                figure(scored, "protection") + gone,
                figure(scored, "clean"),
            ]
        )
    return found


@pytest.mark.parametrize(
    "name", ["measured", "inconclusive", "impossible", "partly detected", "at rank 2"]
)
def test_csv_reproduces_the_table_that_a_terminal_shows(name: str) -> None:
    report = REPORTS[name]
    table = shown(report, "Every measurement")
    assert len(table) == len(report.cells) > 3
    assert from_csv(report) == [row[:-1] for row in table]


@pytest.mark.parametrize("name", ["measured", "inconclusive", "partly detected", "at rank 2"])
def test_csv_has_the_rates_by_rank_that_a_terminal_shows(name: str) -> None:
    report = REPORTS[name]
    rows = list(csv.DictReader(io.StringIO(text("csv", report))))
    ranked = [r for r in rows if r["outcome"] in {rank(k) for k in report.ranks}]
    of_each = [ranked[i : i + len(report.ranks)] for i in range(0, len(ranked), len(report.ranks))]
    compared = 0
    for cell_rows, line in zip(of_each, shown(report, "Every measurement"), strict=True):
        if int(cell_rows[0]["detected"]):
            continue  # the terminal's rates by rank are of everybody, the CSV's of who is left
        by_rank = sorted(cell_rows, key=lambda r: int(r["outcome"].removeprefix("rank-")))
        assert "/".join(f"{float(r['cloaked']):.2f}" for r in by_rank) == line[-1]
        compared += 1
    assert compared >= 6


def test_who_is_scored_at_rank_2_has_protection_in_that_row_alone() -> None:
    rows = csv.DictReader(io.StringIO(text("csv", REPORTS["at rank 2"])))
    told = Counter((r["adversary"], r["outcome"]) for r in rows if r["protection"])
    assert told["pair", "rank-2"] == 1
    assert {outcome for adversary, outcome in told if adversary != "pair"} == {"rank-1"}
    assert ("pair", "rank-1") not in told


# --- report.json ---


@EVERY_REPORT
def test_a_report_is_written_the_same_byte_for_byte_once_it_was_read(
    report: AuditReport, tmp_path: Path
) -> None:
    report.save(tmp_path / "first" / "report.json")
    again = read(tmp_path / "first")
    again.save(tmp_path / "again" / "report.json")
    first = (tmp_path / "first" / "report.json").read_bytes()
    assert (tmp_path / "again" / "report.json").read_bytes() == first
    assert again == report
    assert all(render(f, again) == render(f, report) for f in ("csv", "markdown", "sarif"))


def test_odd_numbers_are_written_the_same_once_they_were_read(tmp_path: Path) -> None:
    spread = [0.1 + 0.2, 1e-300, 5e-324, 1 / 3, 123456789.123456789, 0.0]
    report = sample().model_copy(
        update={"timings": {f"stage {i}": x for i, x in enumerate(spread)}}
    )
    report.save(tmp_path / "report.json")
    first = (tmp_path / "report.json").read_bytes()
    read(tmp_path).save(tmp_path / "report.json")
    assert (tmp_path / "report.json").read_bytes() == first
    assert list(read(tmp_path).timings.values()) == spread
