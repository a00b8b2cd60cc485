"""Who is protected, who else is enrolled, who is background, and which pictures are probes."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from audit.advice import SPARE, Dealt, Stock, fits, refusal
from audit.plan import AuditPlan
from audit.world import World
from lowkey_core.datasets import Dataset
from lowkey_core.errors import PlanError, setting
from lowkey_core.photos.photo import Photo


@dataclass(frozen=True)
class Split:
    """Photos by part. No identity is in two of protected, others, distractors, background and
    calibration."""

    gallery: tuple[Photo, ...]
    """Of protected identities: published, cloaked or not."""
    probes: tuple[Photo, ...]
    """Of protected identities: clean, to be identified."""
    bystanders: tuple[Photo, ...]
    """Of others and distractors: published, never cloaked."""
    background: tuple[Photo, ...]
    """The adversary's own."""
    calibration: tuple[Photo, ...]
    """Of people in no other part."""
    others_probes: tuple[Photo, ...]
    """Of others, from what is left of their pictures: clean, to be identified."""

    protectable: int
    """Identities of the data set with pictures enough to be protected."""
    too_few_pictures: int
    """Those without."""

    @property
    def photos(self) -> tuple[Photo, ...]:
        """All of them."""
        enrolled, learned = self.gallery + self.bystanders, self.background
        return enrolled + self.probes + learned + self.calibration + self.others_probes

    @property
    def dealt(self) -> Dealt:
        """How many people the plan was given."""
        protected, enrolled, background = (
            len({photo.identity for photo in part})
            for part in (self.probes, self.gallery + self.bystanders, self.background)
        )
        return Dealt(protected, background, enrolled)


def split(
    dataset: Dataset,
    plan: AuditPlan,
    strangers: Sequence[Photo] = (),
    copied: Container[str] | None = None,
    world: World | None = None,
) -> Split:
    """A split that depends on the photos, the plan's counts and its seed alone.

    strangers: one picture each, of nobody in `dataset`; they are distractors before its own are.
    copied: names of the photos that have cloaked copies, where those are not made here. People
    who have some come first as protected, then as background; their pictures without a copy come
    first as probes, those with one as gallery. If all have copies the split is that without.
    world: where everybody else is from, dealt out alike whoever is protected; without one, from
    `dataset` too.
    Raises: DatasetError, PlanError if the plan asks for more than there is, with the choices that
    fit (`audit/advice.py`).
    """
    around = dataset if world is None else world.dataset
    for known in (dataset, around):
        _apart(known, strangers)

    def dealt(smaller: AuditPlan) -> Dealt:
        return deal(dataset, smaller, strangers, copied, world).dealt

    parts = deal(dataset, plan, strangers, copied, world)
    if fits(plan, parts.dealt):
        return parts
    raise refusal(plan, Stock.of(dataset), Stock.of(around), dealt, third_party=copied is not None)


def deal(
    dataset: Dataset,
    plan: AuditPlan,
    strangers: Sequence[Photo],
    copied: Container[str] | None,
    world: World | None,
) -> Split:
    """As `split`, with as many people in each part as there are."""
    sizes = plan.people
    rng, limit = Random(sizes.seed), sizes.probes + sizes.gallery
    further = sizes.gallery + sizes.others_probes
    people, order = _drawn(dataset, rng, limit)
    rich = [who for who in order if len(people[who]) >= sizes.probes + SPARE]
    too_few = len(people) - len(rich)
    if copied is not None:
        people, rich, order = _copied_first(people, rich, order, copied, sizes.probes)
    protected = rich[: sizes.protected]
    rest = _without(order, protected)
    if world is not None:
        theirs, everybody = _drawn(world.dataset, Random(sizes.seed), limit)
        people, rest = {**people, **theirs}, _without(everybody, world.left_out)
    able = [who for who in rest if len(people[who]) >= sizes.background_pictures]
    background = able[: sizes.background]
    rest = _without(rest, background)
    others = [who for who in rest if len(people[who]) > 1][: sizes.others]
    single = [who for who in rest if len(people[who]) == 1]
    drawn = rng.sample(sorted(strangers, key=lambda p: p.name), len(strangers))
    distractors = [*drawn, *(people[who][0] for who in single)][: sizes.distractors]
    taken = {*others, *(photo.identity for photo in distractors)}
    calibration = [who for who in rest if who not in taken][: sizes.calibration]
    return Split(
        gallery=tuple(p for who in protected for p in people[who][sizes.probes : limit]),
        probes=tuple(p for who in protected for p in people[who][: sizes.probes]),
        bystanders=tuple(p for who in others for p in people[who][: sizes.gallery])
        + tuple(distractors),
        background=tuple(
            p
            for who in background
            for p in _with_copies_first(people[who], copied)[: sizes.background_pictures]
        ),
        calibration=tuple(p for who in calibration for p in people[who][: sizes.gallery]),
        others_probes=tuple(p for who in others for p in people[who][sizes.gallery : further]),
        protectable=len(rich),
        too_few_pictures=too_few,
    )


def _without(people: Sequence[str], others: Iterable[str]) -> list[str]:
    left_out = set(others)
    return [who for who in people if who not in left_out]


Photos = dict[str, list[Photo]]


def _drawn(dataset: Dataset, rng: Random, limit: int) -> tuple[Photos, list[str]]:
    """Everybody's pictures in random order, and everybody, those with `limit` pictures first."""
    people = {who: rng.sample(photos, len(photos)) for who, photos in dataset.by_identity.items()}
    order = rng.sample(sorted(people), len(people))
    order.sort(key=lambda who: -min(len(people[who]), limit))
    return people, order


def _copied_first(
    people: Photos, rich: list[str], order: list[str], copied: Container[str], probes: int
) -> tuple[Photos, list[str], list[str]]:
    """The same, with those whom copies exist of first; of the rich, only those.

    Of each person's pictures, the ones for probes are without a copy if possible, and the next
    with one.
    """
    cloaking = {who for who in people if any(p.name in copied for p in people[who])}
    sorted_people = {}
    for who, photos in people.items():
        clean_first = sorted(photos, key=lambda p: p.name in copied)
        sorted_people[who] = clean_first[:probes] + _with_copies_first(clean_first[probes:], copied)
    order = sorted(order, key=lambda who: who not in cloaking)
    return sorted_people, [who for who in order if who in cloaking and who in set(rich)], order


def _with_copies_first(photos: list[Photo], copied: Container[str] | None) -> list[Photo]:
    """Photos with a copy, then those without."""
    return sorted(photos, key=lambda p: copied is not None and p.name not in copied)


def _apart(dataset: Dataset, strangers: Sequence[Photo]) -> None:
    own = {photo.place for photo in dataset.photos}
    shared = [photo for photo in strangers if photo.place in own]
    if shared:
        raise PlanError(
            f"{len(shared)} pictures of {setting('distractor_dataset')} are in {dataset.name} too",
            expected="strangers, who are nobody in the data set",
            remedy=f"name another {setting('distractor_dataset')}, or keep strangers apart",
        )
