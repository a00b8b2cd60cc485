"""Adversaries in order of strength."""

from __future__ import annotations

import pytest

from audit.ranking import ranking
from audit.records import Caveat
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


BLOCKED = Caveat(code="control", blocking=True, text="a control failed")


def test_who_undoes_a_cloak_is_named_though_another_control_failed() -> None:
    """What one adversary proves is not unproven because another proves nothing."""
    report = sample().model_copy(update={"caveats": (BLOCKED,)})
    strongest = ranking(report, ATTACK)[0].cell
    low, high = strongest.protection.interval
    assert high < tables.HALF
    assert (
        f"{ATTACK} is undone all the same: adaptive (old), whose control holds, leaves 0.00 "
        f"[{low:.2f}, {high:.2f}]." in tables.verdict(report)
    )
    assert "undone" not in tables.verdict(sample())


@pytest.mark.parametrize(("hits", "control"), [(4, 2), (2, 4)])
def test_nobody_is_named_whose_control_failed_or_whose_interval_reaches_half(
    hits: int, control: int
) -> None:
    report, other = sample(), cell(hits, control, adversary="adaptive")
    cells = tuple(other if c.adversary == "adaptive" else c for c in report.cells)
    blocked = report.model_copy(update={"caveats": (BLOCKED,), "cells": cells})
    assert "undone" not in tables.verdict(blocked)
