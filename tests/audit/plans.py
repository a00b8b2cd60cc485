"""Plans with a few choices changed, by the names of flags."""

from __future__ import annotations

from typing import Any

from audit.choices import choices
from audit.plan import AuditPlan


def changed(plan: AuditPlan, **given: Any) -> AuditPlan:
    """The plan with these choices; a list's text stands for a list of one."""
    nested = plan.model_dump()
    places = {choice.name: choice for choice in choices()}
    for name, value in given.items():
        choice = places[name]
        single = choice.many and isinstance(value, str)
        nested[choice.part][choice.field] = (value,) if single else value
    return AuditPlan.model_validate(nested)
