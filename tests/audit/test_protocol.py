"""Nobody is in two parts, and nothing but names, counts and seed decides."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.plan import AuditPlan
from audit.protocol import split
from lowkey_core.datasets import Dataset
from lowkey_core.errors import DatasetError, PlanError
from lowkey_core.photos.photo import Photo
from tests.audit.plans import advised, changed


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


PLAN = changed(
    AuditPlan(), protected=3, probes=4, gallery=8, background=4, others=3, distractors=6,
    ranks=(1, 5), background_pictures=3,
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
    assert split(data, PLAN) != split(data, changed(PLAN, seed=1))


def test_too_few_people_is_said_in_one_line() -> None:
    with pytest.raises(DatasetError) as refused:
        split(people(rich=5, some=2, single=9), changed(PLAN, protected=30))
    assert str(refused.value) == (
        "people has 16 identities, 5 with the 6 or more pictures of a protected one and 7 with the "
        "3 of one in the background; expected 30 protected and 4 others as background; "
        "use protected=5 background=2, or more people"
    )


def some(pictures: Sequence[int]) -> Dataset:
    """People with so many pictures each."""
    photos = (
        Photo(f"{i}", f"{i}_{j}", Path("x")) for i, n in enumerate(pictures) for j in range(n)
    )
    return Dataset("people", tuple(photos))


@settings(deadline=None)
@given(
    pictures=st.lists(st.integers(1, 15), min_size=1, max_size=20),
    protected=st.integers(1, 12),
    background=st.integers(1, 12),
    probes=st.integers(1, 5),
    background_pictures=st.integers(1, 8),
    others=st.integers(0, 9),
    ranks=st.integers(1, 30),
)
def test_what_the_error_advises_would_do(pictures: list[int], **sizes: int) -> None:
    plan = changed(AuditPlan(), **{**sizes, "ranks": (sizes["ranks"],)})
    try:
        split(some(pictures), plan)
    except (DatasetError, PlanError) as refused:
        if (fitting := advised(plan, refused)) is not None:
            split(some(pictures), fitting)


@settings(deadline=None)  # it deals many splits
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 2))
def test_where_the_error_advises_nothing_no_sizes_would_do(pictures: list[int], few: int) -> None:
    most = {"protected": 3, "probes": 2, "background": 3, "background_pictures": 3}
    plan = changed(AuditPlan(), **most, others=few, distractors=few, ranks=(1,))
    try:
        split(some(pictures), plan)
    except (DatasetError, PlanError) as refused:
        if advised(plan, refused) is not None:
            return
    else:
        return
    for sizes in itertools.product(*(range(1, n + 1) for n in most.values())):
        with pytest.raises((DatasetError, PlanError)):
            split(some(pictures), changed(plan, **dict(zip(most, sizes, strict=True))))


def test_people_with_too_few_pictures_are_counted() -> None:
    parts = split(people(rich=8, some=5, single=9), PLAN)
    assert (parts.protectable, parts.too_few_pictures) == (8, 14)


def strangers(count: int) -> list[Photo]:
    return [Photo(f"s: {i}", f"s: {i}", Path("elsewhere"), offset=i) for i in range(count)]


def test_strangers_come_first_and_count_with_the_other_distractors() -> None:
    data = people(rich=8, some=5, single=9)
    alone = split(data, PLAN)
    for count in (0, 4, 50):
        parts = split(data, PLAN, strangers(count))
        found = [p.identity for p in parts.bystanders if p.identity.startswith("s: ")]
        assert len(set(found)) == len(found) == min(count, PLAN.people.distractors)
        assert (
            len({p.identity for p in parts.bystanders})
            == PLAN.people.others + PLAN.people.distractors
        )
        assert (parts.gallery, parts.probes, parts.background) == (
            alone.gallery,
            alone.probes,
            alone.background,
        )
    assert split(data, PLAN, strangers(0)) == alone
    assert split(data, PLAN, strangers(50)) == split(data, PLAN, strangers(50)[::-1])


def test_a_stranger_cannot_be_in_the_data_set() -> None:
    data = people(rich=8, some=5, single=9)
    with pytest.raises(PlanError, match="pictures of distractor_dataset are in people too"):
        split(data, PLAN, data.photos[:2])


def test_a_rank_beyond_the_gallery_is_refused() -> None:
    plan = changed(PLAN, ranks=(1, 5, 50))
    with pytest.raises(PlanError, match=r"gallery has 12 identities.*rank 50.*use ranks=1,5,"):
        split(people(rich=8, some=5, single=9), plan)


def test_a_search_among_one_person_is_refused() -> None:
    plan = changed(PLAN, protected=1, others=0, distractors=0, ranks=(1,))
    with pytest.raises(PlanError, match="gallery has 1 identity; expected 2 or more: a search"):
        split(people(rich=8, some=5, single=9), plan)


def test_lacking_pictures_lower_how_many_are_asked_of_each() -> None:
    plan = changed(PLAN, probes=4, background_pictures=5)
    with pytest.raises(DatasetError, match="use probes=1 background_pictures=3, or more people"):
        split(people(some=12), plan)


def test_one_person_alone_cannot_be_audited() -> None:
    with pytest.raises(DatasetError, match="add photos until 1 person to protect has 3, and there"):
        split(people(rich=1), PLAN)


def test_copies_go_where_they_count() -> None:
    """Probes are clean pictures if there are any; galleries and background those with copies."""
    photos = tuple(Photo(f"p{i}", f"p{i}/{j}", Path("x")) for i in range(6) for j in range(12))
    copied = {photo.name for photo in photos if photo.identity < "p4" and photo.name[-1] in "1357"}
    plan = changed(
        AuditPlan(),
        protected=2,
        probes=3,
        gallery=4,
        background=2,
        background_pictures=3,
        others=0,
        ranks=(1,),
    )
    parts = split(Dataset("d", photos), plan, copied=copied)
    assert not {p.name for p in parts.probes} & copied
    assert {p.name for p in parts.gallery} <= copied
    assert {p.name for p in parts.background} <= copied
    with pytest.raises(DatasetError, match="protected=4"):
        split(Dataset("d", photos), changed(plan, protected=5), copied=copied)


def test_copies_of_everything_change_no_split() -> None:
    photos = tuple(Photo(f"p{i}", f"p{i}/{j}", Path("x")) for i in range(6) for j in range(9))
    plan = changed(
        AuditPlan(),
        protected=2,
        probes=3,
        gallery=4,
        background=2,
        background_pictures=3,
        others=2,
        ranks=(1,),
    )
    dataset = Dataset("d", photos)
    assert split(dataset, plan, copied={p.name for p in photos}) == split(dataset, plan)


def test_people_for_calibration_are_in_no_other_part() -> None:
    data = people(rich=9, some=8, single=9)
    parts = split(data, changed(PLAN, calibration=3))
    who = {p.identity for p in parts.calibration}
    assert len(who) == 3
    others = (*parts.gallery, *parts.probes, *parts.bystanders, *parts.background)
    assert not who & {p.identity for p in others}
    without = split(data, PLAN)
    assert (parts.gallery, parts.bystanders) == (without.gallery, without.bystanders)
    assert without.calibration == ()


def test_others_are_searched_for_by_what_is_left_of_their_pictures() -> None:
    data = people(rich=9, some=8, single=9)
    parts = split(data, changed(PLAN, others_probes=2, gallery=2))
    probes = {p.name for p in parts.others_probes}
    assert probes
    rest = (*parts.gallery, *parts.probes, *parts.bystanders, *parts.background)
    assert not probes & {p.name for p in rest}
    enrolled = {p.identity for p in parts.bystanders}
    assert {p.identity for p in parts.others_probes} <= enrolled
    without = split(data, changed(PLAN, gallery=2))
    assert (parts.gallery, parts.bystanders) == (without.gallery, without.bystanders)
    assert without.others_probes == ()
