"""Several splits of the people, each a whole small audit, pooled by identity."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.outcomes import together
from audit.plan import AuditPlan
from audit.run import run_audit, run_split
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.audit.plans import changed
from tests.audit.small import Counting, StopHereError, without_timings


@pytest.fixture
def twice(plan: AuditPlan) -> AuditPlan:
    small = changed(plan, attack="lowkey:steps=2", adversary="oblivious", scenario="all")
    return changed(small, seeds=2, protected=5, recogniser=plan.adversaries.recognisers[:1])


def test_the_pooled_counts_are_those_of_the_splits_by_person(twice: AuditPlan) -> None:
    report = run_audit(twice, Work())
    alone = [run_split(split, Work()) for split in twice.splits]
    assert [s.seed for s in report.splits] == [0, 1]
    assert [s.cells for s in report.splits] == [r.cells for r in alone]
    assert [s.people for s in report.splits] == [r.people for r in alone]
    assert len(set(alone[0].people) & set(alone[1].people)) > 0, "else nobody is pooled"
    assert len(report.people) < len(alone[0].people) + len(alone[1].people)
    assert report.counts.protected == len(report.people)
    for cell, *parts in zip(report.cells, *(r.cells for r in alone), strict=True):
        own = [(r.people, part.control) for r, part in zip(alone, parts, strict=True)]
        assert cell.control == together(report.people, own)
        assert sum(cell.control.trials) == 2 * 5 * 2


def test_an_interrupted_one_resumes_and_ends_the_same(twice: AuditPlan, tmp_path: Path) -> None:
    """Killed in the first split, and in the second."""
    whole = Counting(tmp_path / "whole")
    expected = without_timings(run_audit(twice, Work(whole)))
    first = Counting(tmp_path / "first")
    run_split(twice.splits[0], Work(first))
    assert first.made < whole.made < 2 * first.made, "splits share what is the same"
    for stop_after in (first.made // 2, (first.made + whole.made) // 2):
        root = tmp_path / f"cut{stop_after}"
        with pytest.raises(StopHereError):
            run_audit(twice, Work(Counting(root, stop_after)))
        resumed = Counting(root)
        assert without_timings(run_audit(twice, Work(resumed))) == expected
        assert resumed.made == whole.made - stop_after, "nothing finished is computed again"


def test_a_split_is_found_again_by_itself(twice: AuditPlan, tmp_path: Path) -> None:
    run_audit(twice, Work(Cache(tmp_path)))
    again = Counting(tmp_path)
    for split in twice.splits:
        run_audit(split, Work(again))
    assert again.made == 0
