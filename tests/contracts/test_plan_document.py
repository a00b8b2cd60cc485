"""What docs/plan.md says of presets and names is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adversaries import ADVERSARIES
from audit import choices
from audit.plan import AuditPlan
from audit.presets import PRESETS
from lowkey_core.cloaks import CLOAKS
from lowkey_core.matchers import MATCHERS
from lowkey_core.plugins import Kind
from lowkey_core.recognisers import RECOGNISERS
from lowkey_core.spec import parse

PAGE = (Path(__file__).parents[2] / "docs" / "plan.md").read_text()
KINDS: tuple[Kind[object], ...] = (CLOAKS, ADVERSARIES, RECOGNISERS, MATCHERS)
FAMILIES = [
    (kind, family, first)
    for kind in KINDS
    for family in sorted({name.partition(":")[0] for name in kind.available()})
    if (members := kind.find(parse(family)).members) and len(members) > 1 and (first := members[0])
]


def row(plan: AuditPlan) -> list[str]:
    people, adversaries = plan.people, plan.adversaries
    return [
        *(f"{people.protected}", f"{people.probes}"),
        f"{people.background} x {people.background_pictures}",
        *(f"{people.others}", f"{people.distractors:,}", f"{adversaries.epochs}"),
        *(", ".join(f"`{n}`" for n in ns) for ns in (plan.publish.scenarios, adversaries.matchers)),
    ]


def test_presets_are_as_the_table_says() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d.*) \|$", PAGE, re.M)
    assert {name: cells.split(" | ") for name, cells in rows} == {
        name: row(choices.make(name)) for name in PRESETS
    }


def test_recognisers_and_surrogates_of_lfw_are_as_it_says() -> None:
    plan = choices.make("offline", None, {"dataset": "lfw"})
    surrogates, recognisers = plan.publish.surrogates, plan.adversaries.recognisers[:2]
    said = " ".join(PAGE.split())
    assert f"surrogates {' and '.join(f'`{n}`' for n in surrogates)}," in said
    assert f"searched by {' and '.join(f'`{n}`' for n in recognisers)}," in said


@pytest.mark.parametrize(("kind", "family", "first"), FAMILIES, ids=lambda p: str(p))
def test_a_family_without_its_member_is_its_first(
    kind: Kind[object], family: str, first: str
) -> None:
    assert f"`{family}:{first}`" in PAGE.split("A family without its member is its")[1]
