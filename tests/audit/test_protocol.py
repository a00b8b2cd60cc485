"""Nobody is in two parts, and nothing but names, counts and seed decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.plan import AuditPlan
from audit.protocol import split
from lowkey_core.checks import DatasetError, PlanError
from lowkey_core.datasets import Dataset, Photo


def people(**groups: int) -> Dataset:
    """`rich=5` makes five identities with 12 pictures."""
    pictures = {"rich": 12, "some": 3, "single": 1}
    return Dataset(
        "people",
        tuple(
            Photo(f"{kind}{i:03}", f"{kind}{i:03}_{j}", Path("none"))
            for kind, count in groups.items()
            for i in range(count)
            for j in range(pictures[kind])
        ),
    )


PLAN = AuditPlan(
    protected=3, probes=4, gallery=8, background=4, others=3, distractors=6, ranks=(1, 5),
    background_pictures=3,
)  # fmt: skip


def test_parts_share_no_identity() -> None:
    parts = split(people(rich=8, some=5, single=9), PLAN)
    who = [
        {p.identity for p in part} for part in (parts.gallery, parts.bystanders, parts.background)
    ]
    assert who[0] == {p.identity for p in parts.probes}
    assert not who[0] & who[1] | who[0] & who[2] | who[1] & who[2]
    assert [len(w) for w in who] == [3, 3 + 6, 4]


def test_no_picture_is_both_enrolled_and_searched() -> None:
    parts = split(people(rich=8, some=5, single=9), PLAN)
    assert not {p.name for p in parts.gallery} & {p.name for p in parts.probes}
    assert len(parts.gallery) == 3 * 8
    assert len(parts.probes) == 3 * 4


def test_the_seed_and_nothing_else_decides() -> None:
    data = people(rich=8, some=5, single=9)
    shuffled = Dataset("people", tuple(reversed(data.photos)))
    assert split(data, PLAN) == split(shuffled, PLAN)
    assert split(data, PLAN) != split(data, PLAN.model_copy(update={"seed": 1}))


def test_too_few_people_is_said_in_one_line() -> None:
    with pytest.raises(DatasetError, match=r"2 identities .* protected.*expected 3.*--protected"):
        split(people(rich=2), PLAN)


def test_a_rank_beyond_the_gallery_is_refused() -> None:
    plan = PLAN.model_copy(update={"ranks": (1, 50)})
    with pytest.raises(PlanError, match="gallery has 12 identities, rank 50 requested"):
        split(people(rich=8, some=5, single=9), plan)
