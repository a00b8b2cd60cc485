"""Adversaries in order of strength."""

from __future__ import annotations

import pytest

from audit.ranking import ranking
from reports.parts import ranking as shown
from reports.parts import tables
from tests.audit.samples import ATTACK, CLOAK, cell, sample


def test_the_strongest_comes_first_with_its_best_recogniser() -> None:
    order = [(f.cell.adversary, f.cell.recogniser) for f in ranking(sample(), ATTACK)]
    assert order == [("adaptive", "old"), ("oblivious", "new")]


def test_everybody_detected_is_no_figure_to_order_by() -> None:
    assert "detection" not in [f.cell.adversary for f in ranking(sample(), ATTACK)]


def test_a_failing_control_orders_nothing() -> None:
    report = sample()
    weak = cell(4, 2, adversary="adaptive", recogniser="old")
    cells = tuple(weak if c.adversary == "adaptive" else c for c in report.cells)
    ranked = ranking(report.model_copy(update={"cells": cells}), ATTACK)
    assert [f.cell.adversary for f in ranked] == ["oblivious"]


def test_the_table_shows_protection_and_control() -> None:
    table = shown.strongest(sample(), CLOAK)
    assert table.title == "Which adversary breaks it first?"
    assert [row[:2] for row in table.rows] == [("adaptive", "old"), ("oblivious", "new")]
    assert table.rows[0][2].startswith("0.00")
    assert table.rows[0][3].startswith("1.00")


@pytest.mark.parametrize(("kept", "there"), [(3, True), (2, False)])
def test_it_is_shown_where_there_are_several(kept: int, *, there: bool) -> None:
    report = sample()
    names = [a.name for a in report.adversaries[:kept]]
    update = {
        "adversaries": report.adversaries[:kept],
        "cells": tuple(c for c in report.cells if c.adversary in names),
    }
    titles = [t.title for t in tables.tables(report.model_copy(update=update))]
    assert ("Which adversary breaks it first?" in titles) is there
