"""What holds of each group is counted from what a report keeps of each person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.groups import ENOUGH, by_group
from audit.outcomes import Rate
from audit.plan import AuditPlan
from audit.pooling import pooled
from audit.report import AuditReport
from audit.run import run_audit
from lowkey_core.work.work import Work
from reports.markdown import render
from tests.audit.plans import changed
from tests.audit.samples import NAMES, PEOPLE, cell, rate, sample

GROUPS = ("b", "a", "a", "a", "", "b", "b", "b", "b", "b")


def grouped(seed: int = 0) -> AuditReport:
    """Of ten people six are of b, three of a, and one of nobody knows which; those of a are
    found, the first of b is detected."""
    hits = rate(*(4 if group == "a" else 0 for group in GROUPS))
    control = rate(*(3 if group == "" else 4 for group in GROUPS))
    gone = (True, *(False,) * (PEOPLE - 1))
    one = cell(hits, control, gone)
    return sample(seed=seed).model_copy(update={"cells": (one,), "groups": GROUPS})


def test_each_group_has_protection_and_control_of_its_own_people() -> None:
    a, b, rest = by_group(grouped())
    assert [f.group for f in (a, b, rest)] == ["a", "b", ""]
    assert a.protection == Rate(hits=(0,) * 3, trials=(4,) * 3)
    assert b.protection == Rate(hits=(4,) * 5, trials=(4,) * 5)
    assert (a.people, a.detected, b.people, b.detected) == (3, 0, 5, 1)
    assert b.control.trials == (4,) * 6
    assert rest.control.value == 0.75
    assert not any(f.enough for f in (a, b, rest))


def test_a_group_is_large_enough_from_ten_people_on() -> None:
    everybody = grouped().model_copy(update={"groups": ("a",) * PEOPLE})
    (nine,) = by_group(everybody)
    assert (nine.people, nine.enough) == (ENOUGH - 1, False)
    free = everybody.model_copy(update={"cells": (cell(),)})
    assert by_group(free)[0].enough


def test_the_report_shows_groups_and_which_are_too_small() -> None:
    shown = render(grouped())
    assert "Does it protect every group?" in shown
    assert "not stated" in shown
    assert "too few people" in shown
    assert "Groups of fewer than 10 people are too small" in shown
    assert "every group" not in render(sample())
    assert by_group(sample()) == ()


def test_a_report_without_groups_is_read_and_one_with_some_is_whole() -> None:
    written = json.loads(grouped().model_dump_json())
    old = json.loads(sample().model_dump_json())
    whole = json.dumps({**written, "cells": old["cells"]})
    assert AuditReport.model_validate_json(whole).groups == GROUPS
    del old["groups"]
    assert AuditReport.model_validate_json(json.dumps(old)).groups == ()
    with pytest.raises(ValueError, match="has a group"):
        AuditReport(**{**sample().model_dump(), "groups": ("a",)})


def test_pooled_people_keep_their_group() -> None:
    one, two = grouped(), sample(seed=1, people=tuple(reversed(NAMES)))
    two = two.model_copy(update={"groups": tuple(reversed(GROUPS))})
    found = pooled(changed(one.plan, seeds=2), [one, two])
    assert dict(zip(found.people, found.groups, strict=True)) == dict(
        zip(NAMES, GROUPS, strict=True)
    )
    assert found.groups == GROUPS


def test_an_audit_of_a_folder_counts_its_groups(plan: AuditPlan, tmp_path: Path) -> None:
    lines = [f"person{i},{'even' if i % 2 == 0 else 'odd'}" for i in range(10)]
    (tmp_path / "photos" / "groups.csv").write_text("\n".join(["identity,group", *lines]))
    quick = changed(
        plan,
        attack=str(tmp_path / "invert.py"),
        adversary="oblivious",
        recogniser=plan.adversaries.recognisers[0],
    )
    report = run_audit(quick, Work())
    expected = ["even" if int(who[-1]) % 2 == 0 else "odd" for who in report.people]
    assert list(report.groups) == expected
    found = by_group(report)
    assert {f.group for f in found} == set(expected)
    assert sum(f.people for f in found) == len(report.people)
