"""Adversaries that run the tool may learn about some of the audited cloaks only."""

from __future__ import annotations

import pytest

from audit.contests import LEFT_OUT, prepare
from audit.findings import answers
from audit.plan import AuditPlan
from audit.report import AuditReport
from audit.run import run_audit
from audit.scene import assemble
from lowkey_core.errors import PlanError
from lowkey_core.work.work import Work
from reports.parts import details, words
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


def test_a_detector_may_face_the_others_without_having_seen_them(two: AuditPlan) -> None:
    """Its figures say so, and what it learned is told of the cloak that it saw."""
    first, name = two.publish.attacks[0], "detection:unseen=true"
    report = run_audit(changed(two, adversary=name, scenario="all", epochs=1), Work())
    assert {c.attack for c in report.cells if c.adversary == name} == {first, OTHER}
    adversary = report.adversary(name)
    assert adversary.learned_about == {OTHER: first}
    assert set(adversary.learned) == {first}
    assert adversary.impossible == {}
    assert AuditReport.model_validate_json(report.model_dump_json()) == report
    shown = {row[0] for row in details.detection(report).rows}
    assert shown == {first, f"{OTHER} (seen: {first} only)"}
    (finding, *_) = (a for a in answers(report) if a.attack == OTHER and "detect" in a.question)
    assert words.what(report, finding.findings[0]).endswith(f", having seen {first} only")


def test_a_detector_that_learns_about_several_has_none_left_to_face_unseen(two: AuditPlan) -> None:
    plan = changed(two, adversary="detection:unseen=true", against=())
    found = prepare(assemble(plan, Work()))
    assert not [c for c in found.contests if c.adversary == "detection:unseen=true"]
    reasons = found.impossible["detection:unseen=true"]
    assert set(reasons) == set(two.publish.attacks)
    assert all("learn about 2 cloaks" in why and "against" in why for why in reasons.values())
