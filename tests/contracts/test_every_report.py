"""Every format says the same, answers first, and takes no name for markup.

Formats that other programs read have no tables: they hold results, or rows, and are excused by name
from what concerns tables. A new format is not.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.pooling import pooled
from audit.report import AuditReport
from reports import REPORTS, render, suffix
from tests.audit.plans import changed
from tests.audit.samples import CLOAK, QUALITY, cell, sample

NAMES = REPORTS.available()
ROWS = {"csv"}
"""Formats of figures without words."""
RESULTS = {"junit", "sarif", "annotations"}
"""Formats of single results."""
TELLING = [name for name in NAMES if name not in ROWS]
WHOLE = [name for name in TELLING if name not in RESULTS]
"""Formats that lay out every table."""


def text(name: str, report: AuditReport) -> str:
    """As shown, without the escapes of markup."""
    shown = render(name, report)
    made = shown.decode() if isinstance(shown, bytes) else shown
    return PLAIN.get(name, str)(made).replace("\\", "")


def _of_json(made: str) -> str:
    def strings(value: Any) -> list[str]:
        inner = value.values() if isinstance(value, dict) else value
        many = not isinstance(value, str) and hasattr(inner, "__iter__")
        return [text for each in inner for text in strings(each)] if many else [str(value)]

    return "\n".join(strings(json.loads(made)))


def _of_latex(made: str) -> str:
    for command, letter in {"textless": "<", "textgreater": ">", "textbar": "|"}.items():
        made = made.replace(f"\\{command}{{}}", letter)
    made = re.sub(r"\\(textbackslash|allowbreak)\{\}", "", made)
    made = re.sub(r"\{([][*])\}", r"\1", made).replace("-{}-", "--")
    return re.sub(r"\\([#$%&_{}])", r"\1", made)


PLAIN: dict[str, Callable[[str], str]] = {
    "html": html.unescape,
    "junit": html.unescape,
    "sarif": _of_json,
    "latex": _of_latex,
    "annotations": lambda made: made.replace("%3A", ":").replace("%2C", ",").replace("%25", "%"),
    "csv": lambda made: "\n".join(" ".join(row) for row in csv.reader(io.StringIO(made))),
}
"""How the escapes of a format are undone, but for backslashes."""


@pytest.mark.parametrize("name", TELLING)
def test_opens_with_the_three_answers(name: str) -> None:
    shown = text(name, sample())
    last = ["Every meas"] if name in WHOLE else []
    places = [shown.index(q) for q in ("JPEG?", "newer models?", "robust retraining?", *last)]
    assert places == sorted(places)


@pytest.mark.parametrize("name", WHOLE)
def test_says_what_differs_on_the_same_probes(name: str) -> None:
    shown = text(name, sample())
    row = shown[shown.index("What differs, on the same probes?") :]
    assert row.index("-0.50 [-0.71, -0.12]") < row.index("-1.00 [") < row.index("Every meas")
    older = sample().model_copy(update={"comparisons": ()})
    assert "What differs" not in text(name, older)


@pytest.mark.parametrize("name", WHOLE)
def test_shows_the_pooled_figures_beside_the_least_and_greatest_of_the_splits(name: str) -> None:
    reports = [sample(seed=seed, newer=hits) for seed, hits in ((0, 1), (1, 4), (2, 3))]
    shown = text(name, pooled(changed(sample().plan, seeds=3), reports))
    assert "10 people cloaked their photos, 120 clean photos" in shown
    row = shown[shown.index("Between splits") :].partition("new (2023-07)")[2]
    assert row.index("0.33 [") < row.index("0.00 (seed 1)") < row.index("0.75 (seed 0)")
    assert "10 with seed 0, 10 with seed 1, 10 with seed 2" in row
    assert "Between splits" not in text(name, sample())


@pytest.mark.parametrize("name", WHOLE)
def test_says_who_was_detected_in_some_splits_alone(name: str) -> None:
    """In the first split everybody is, in the second six of ten."""
    reports = [sample(seed=0), sample(seed=1)]
    six = cell(4, detected=(True,) * 6 + (False,) * 4, adversary="detection")
    reports[1] = reports[1].model_copy(update={"cells": (*reports[1].cells[:-1], six)})
    shown = text(name, pooled(changed(sample().plan, seeds=2), reports))
    assert "6 of 10 people" in shown, "a terminal breaks the line here"
    assert shown.count("4 more in some splits") >= 2, "in the answers and in the grid"


@pytest.mark.parametrize("name", TELLING)
def test_prints_what_was_not_measured(name: str) -> None:
    report = sample()
    without = report.model_copy(
        update={
            "cells": tuple(c for c in report.cells if c.adversary != "adaptive"),
            "adversaries": tuple(a for a in report.adversaries if a.name != "adaptive"),
        }
    )
    assert "not measured" in text(name, without)
    assert "--adversary adaptive" in text(name, without)


@pytest.mark.parametrize("name", WHOLE)
def test_says_inconclusive_before_any_figure(name: str) -> None:
    before, after, *_ = text(name, sample(control=2)).split("JPEG?")
    assert "INCONCLUSIVE" in before
    assert "inconclusive" in after


@pytest.mark.parametrize("name", NAMES)
def test_brackets_in_names_are_not_markup(name: str) -> None:
    assert "[red]x[/red]|<b>" in text(name, sample(called="[red]x[/red]|<b>"))


@pytest.mark.parametrize("name", NAMES)
def test_no_name_moves_the_cursor_or_turns_the_text(name: str) -> None:
    """An escape sequence, C1's own beginning of one, a carriage return, two bidi controls."""
    nasty = "a\x1b[2Jb\x9b31mc\rd\u202ee\u2066f\ng"
    report = sample(called=nasty)
    doubt = report.caveats[0].model_copy(update={"text": nasty})
    card = report.cards[0].model_copy(update={"licence": nasty, "trained_on": nasty})
    counts = report.counts.model_copy(update={"dataset": nasty})
    named = {"caveats": (doubt,), "cards": (card,), "counts": counts}
    shown = text(name, report.model_copy(update=named))
    assert all(map(str.isprintable, shown.split("\n")))
    assert "ax1b[2Jbx9b31m" in shown


@pytest.mark.parametrize("name", NAMES)
def test_leaves_no_mark_of_a_setting_unworded(name: str) -> None:
    report = sample()
    impossible = {"impossible": {CLOAK.attack: "it is a black box"}}
    adversaries = [a.model_copy(update=impossible) for a in report.adversaries]
    shown = text(name, report.model_copy(update={"adversaries": tuple(adversaries)}))
    assert "black box" in shown
    assert not any("\ue000" <= c <= "\uf8ff" for c in shown)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_it_has_a_suffix(name: str) -> None:
    assert suffix(name).startswith(".")
    assert suffix(name) != "."


def test_no_two_have_one_suffix() -> None:
    assert len({suffix(name) for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize("name", TELLING)
def test_a_failing_control_is_said_with_its_figures(name: str) -> None:
    assert "inconclusive" in text(name, sample(control=2)).lower()
    assert "inconclusive" not in text(name, sample()).lower()


def test_a_stored_report_is_rendered_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys, reports, audit.report, pathlib;"
        "found = audit.report.read(pathlib.Path(sys.argv[1]));"
        "[reports.render(name, found) for name in reports.REPORTS.available()];"
        "sys.exit(bool({'torch', 'torchvision', 'pandas', 'matplotlib'} & {*sys.modules}))"
    )
    sample().save(tmp_path / "report.json")
    run = [sys.executable, "-c", code, str(tmp_path)]
    assert subprocess.run(run, check=False).returncode == 0


@pytest.mark.parametrize("name", WHOLE)
def test_says_in_its_first_lines_that_lpips_is_missing(name: str) -> None:
    measured = CLOAK.model_copy(update={"quality": (QUALITY.model_copy(update={"lpips": 0.1}),)})
    report = sample()
    assert all(q.lpips is None for cloak in report.cloaks for q in cloak.quality)
    for told, shown in ((True, report), (False, report.model_copy(update={"cloaks": (measured,)}))):
        first = text(name, shown).split("JPEG?")[0]
        assert ("LPIPS has no weights" in first) == told


@pytest.mark.parametrize("name", WHOLE)
def test_shows_st_lpips_under_its_own_name(name: str) -> None:
    quality = QUALITY.model_copy(update={"st_lpips": 0.0372})
    measured = CLOAK.model_copy(update={"quality": (quality,)})
    shown = text(name, sample().model_copy(update={"cloaks": (measured,)}))
    assert "Visibility is in DSSIM and ST-LPIPS: LPIPS has no weights" in shown
    assert "0.037" in shown
