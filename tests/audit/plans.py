"""Plans with a few choices changed, by the names of flags."""

from __future__ import annotations

import re
from typing import Any

from audit.choices import choices
from audit.plan import AuditPlan
from lowkey_core.errors import AuditError


def changed(plan: AuditPlan, **given: Any) -> AuditPlan:
    """The plan with these choices; a list's text stands for a list of one."""
    nested = plan.model_dump()
    places = {choice.name: choice for choice in choices()}
    for name, value in given.items():
        choice = places[name]
        single = choice.many and isinstance(value, str)
        nested[choice.part][choice.field] = (value,) if single else value
    return AuditPlan.model_validate(nested)


def advised(plan: AuditPlan, refused: AuditError) -> AuditPlan | None:
    """The plan with the choices that an error names, each used once; None if it names none."""
    named = re.findall(r"([a-z_]+)=([0-9]+(?:,[0-9]+)*)", refused.remedy)
    given = {name: tuple(value.split(",")) if "," in value else value for name, value in named}
    return changed(plan, **given) if given else None
