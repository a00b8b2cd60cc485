"""The command in a report has the report's plan."""

from __future__ import annotations

import shlex

import pytest
import typer

import cli
from audit import choices
from audit.plan import AuditPlan
from reports.console.options import given
from reports.parts.repeating import command
from tests.audit.plans import changed
from tests.audit.samples import sample


def plan_of(line: str) -> AuditPlan:
    """What the command line makes of it."""
    program, name, *arguments = shlex.split(line)
    assert (program, name) == ("lowkey-audit", "audit")
    made = typer.main.get_command(cli.app).commands["audit"]  # type: ignore[attr-defined]
    with made.make_context("audit", arguments) as context:
        flags = context.params
    known = {c.name for c in choices.choices()}
    asked = given({k: v for k, v in flags.items() if k in known and v != ()})
    return choices.make(flags["preset"], None, asked)


PLANS = {
    "the sample's": sample().plan,
    "of LFW, whose defaults are others": changed(AuditPlan(), dataset="lfw"),
    "a preset's": choices.make("thorough"),
    "with options": changed(
        AuditPlan(),
        attack=("lowkey:steps=3", 'command:"tool {in} {out}"', "none"),
        transform=("none", "jpeg:75", "jpeg:30", "resize:0.5+jpeg:75"),
        scenario=("all", "mixed:0.5"),
        ranks=(1, 5),
        seeds=3,
        device="cpu",
        distractor_dataset=("a, b", "c"),
    ),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_the_command_gives_the_same_plan(plan: AuditPlan) -> None:
    assert plan_of(command(plan)) == AuditPlan.model_validate(plan.model_dump())


def test_a_plan_that_flags_cannot_give_has_no_command() -> None:
    assert command(changed(AuditPlan(), surrogate=())) == ""
