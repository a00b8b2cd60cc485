"""What is needed to repeat an audit: its choices, the command, what it was computed with."""

from __future__ import annotations

import shlex
from typing import Any

from audit.choices import choices
from audit.plan import AuditPlan
from audit.report import AuditReport
from reports.parts.layout import Table

_ALWAYS = ("surrogate", "recogniser")
"""Choices whose defaults depend on the data set, and on which files are there."""


def command(plan: AuditPlan) -> str:
    """The command with this plan; "" where a plan cannot be given by flags: a list is empty that
    is not by default."""
    words, default = ["lowkey-audit", "audit", "--preset", "standard"], AuditPlan()
    for choice in choices():
        value: Any = getattr(getattr(plan, choice.part), choice.field)
        usual = getattr(getattr(default, choice.part), choice.field)
        if value == usual and choice.name not in _ALWAYS:
            continue
        if value in ((), ""):
            return ""
        for each in value if choice.many else (value,):
            words += [f"--{choice.name.replace('_', '-')}", str(each)]
    return shlex.join(words)


def plan(report: AuditReport) -> Table:
    """Every choice."""
    rows = (
        (f"{part}.{field}", ", ".join(map(str, value)) if isinstance(value, tuple) else str(value))
        for part, fields in report.plan
        for field, value in fields
    )
    return Table("The whole plan", ("choice", "value"), tuple(rows))


def digests(report: AuditReport) -> Table:
    """Of every network's file, whole."""
    return Table(
        "Files and their digests",
        ("name", "SHA-256", "from", "licence"),
        tuple((c.name, c.sha256 or "no file", c.source, c.licence) for c in report.cards),
    )


def environment(report: AuditReport) -> Table:
    """Versions, and the time that each stage took."""
    versions = [*report.environment.items()]
    seconds = [(stage, f"{s:.1f} s") for stage, s in report.timings.items()]
    return Table("Versions and times", ("what", "value"), tuple(versions + seconds))
