"""Several cloaks in one table."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.report import PER_FACE, AuditReport
from audit.run import run_audit
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from reports.parts.layout import NOT_MEASURED, rate
from reports.parts.side_by_side import cloaks
from reports.parts.tables import tables
from tests.audit.plans import changed
from tests.audit.samples import sample
from tests.audit.small import small_plan

TITLE = "Cloaks side by side"


@pytest.fixture
def report(tmp_path: Path, nobody_real: None) -> AuditReport:
    plan = small_plan(tmp_path)
    first = plan.publish.attacks[0]
    two = changed(plan, attack=(first, "none"), against=first, adversary="adaptive", scenario="all")
    cache = Cache(tmp_path / "cache")
    made = run_audit(two, Work(cache)).timings[PER_FACE + first]
    again = run_audit(two, Work(cache))
    assert again.timings[PER_FACE + first] == made, "a face took what it took when it was made"
    return again


def test_has_a_row_for_each_cloak_with_the_figures_of_its_cells(report: AuditReport) -> None:
    table = cloaks(report)
    named = [r.name for r in report.recognisers]
    expected = ("cloak", *named, "after adaptive", "DSSIM", "ST-LPIPS", "s per face")
    assert table.columns == expected
    for row, cloak in zip(table.rows, report.cloaks, strict=True):
        assert row[0] == cloak.attack
        for name, shown in zip(named, row[1:], strict=False):
            (cell,) = (
                c
                for c in report.cells
                if (c.attack, c.adversary, c.recogniser, c.transform)
                == (cloak.attack, "oblivious", name, "none")
            )
            assert shown == rate(cell.protection)
        assert row[-3] == f"{cloak.quality[0].dssim:.4f}"
        assert float(row[-1]) >= 0
    first, none = table.rows
    assert first[3] != NOT_MEASURED
    assert none[3] == NOT_MEASURED, "nobody learned about it"

    assert TITLE in [t.title for t in tables(report)]


def test_is_not_there_for_one_cloak() -> None:
    assert TITLE not in [t.title for t in tables(sample())]
