"""Adversaries that run the tool may learn about some of the audited cloaks only."""

from __future__ import annotations

import pytest

from audit.contests import LEFT_OUT
from audit.findings import answers
from audit.plan import AuditPlan
from audit.run import run_audit
from audit.scene import assemble
from lowkey_core.errors import PlanError
from lowkey_core.work.work import Work
from tests.audit.plans import changed

OTHER = "lowkey:steps=3"


@pytest.fixture
def two(plan: AuditPlan) -> AuditPlan:
    """Two cloaks, of which adversaries learn about the first."""
    first = plan.publish.attacks[0]
    return changed(plan, attack=(first, OTHER), against=first, adversary="adaptive")


def test_the_others_are_measured_without_them_and_the_report_says_so(two: AuditPlan) -> None:
    report = run_audit(two, Work())
    first = two.publish.attacks[0]
    faced = {(c.attack, c.adversary) for c in report.cells}
    assert (first, "adaptive") in faced
    assert (OTHER, "adaptive") not in faced
    assert {(first, "oblivious"), (OTHER, "oblivious")} <= faced
    assert report.adversary("adaptive").impossible == {OTHER: LEFT_OUT}
    said = [a.impossible for a in answers(report) if a.attack == OTHER]
    assert LEFT_OUT in said


def test_a_cloak_that_is_not_audited_is_an_error(two: AuditPlan) -> None:
    wrong = changed(two, against="noise")
    with pytest.raises(PlanError, match=r"noise[\s\S]*cloaks of this audit: lowkey"):
        assemble(wrong, Work())
