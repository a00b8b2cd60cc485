"""Every format says the same, answers first, and takes no name for markup."""

from __future__ import annotations

import subprocess
import sys

import pytest

from audit.report import AuditReport
from lowkey_core import plugins
from tests.audit.samples import sample

REPORTS = plugins.available("reports")


@pytest.mark.parametrize("name", REPORTS)
def test_opens_with_the_three_answers(name: str) -> None:
    text = plugins.load("reports", name)(sample())
    places = [text.index(q) for q in ("JPEG?", "newer models?", "robust retraining?", "Every meas")]
    assert places == sorted(places)


@pytest.mark.parametrize("name", REPORTS)
def test_prints_what_was_not_measured(name: str) -> None:
    report = sample()
    without = report.model_copy(
        update={"cells": tuple(c for c in report.cells if c.adversary != "adaptive")}
    )
    assert "not measured" in plugins.load("reports", name)(without)
    assert "--adversary adaptive" in plugins.load("reports", name)(without).replace("\\", "")


@pytest.mark.parametrize("name", REPORTS)
def test_says_inconclusive_before_any_figure(name: str) -> None:
    text = plugins.load("reports", name)(sample(control=2))
    assert "INCONCLUSIVE" in text.split("JPEG?")[0]
    assert "inconclusive" in text.split("JPEG?")[1]


@pytest.mark.parametrize("name", REPORTS)
def test_brackets_in_names_are_not_markup(name: str) -> None:
    report: AuditReport = sample(recogniser="[red]x[/red]|<b>")
    text = plugins.load("reports", name)(report).replace("\\", "")
    assert "[red]x[/red]|<b>" in text


def test_a_stored_report_is_rendered_without_torch() -> None:
    code = (
        "import sys, reports.terminal, reports.markdown, audit.report, audit.answers, audit.plan;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", REPORTS)
def test_says_in_its_first_lines_that_lpips_is_missing(name: str) -> None:
    report = sample()
    assert all(q.lpips is None for q in report.quality)
    with_lpips = tuple(q.model_copy(update={"lpips": 0.1}) for q in report.quality)
    for told, shown in ((True, report), (False, report.model_copy(update={"quality": with_lpips}))):
        first = plugins.load("reports", name)(shown).split("JPEG?")[0]
        assert ("LPIPS has no weights" in first) == told
