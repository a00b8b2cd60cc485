"""Who is protected, who else is enrolled, who is background, and which pictures are probes."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from random import Random

from audit.plan import AuditPlan, People
from audit.world import World
from lowkey_core.datasets import Dataset
from lowkey_core.errors import DatasetError, PlanError, setting
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

    protectable: int
    """Identities of the data set with pictures enough to be protected."""
    too_few_pictures: int
    """Those without."""

    @property
    def photos(self) -> tuple[Photo, ...]:
        """All of them."""
        return self.gallery + self.probes + self.bystanders + self.background + self.calibration


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
    Raises: DatasetError if there are too few identities, PlanError if a rank cannot be reached.
    """
    for known in [dataset] if world is None else [dataset, world.dataset]:
        _apart(known, strangers)
    sizes, ranks = plan.people, plan.measure.ranks
    rng, limit = Random(sizes.seed), sizes.probes + sizes.gallery
    people, order = _drawn(dataset, rng, limit)
    rich = [who for who in order if len(people[who]) >= sizes.probes + 2]
    too_few = len(people) - len(rich)
    if copied is not None:
        people, rich, order = _copied_first(people, rich, order, copied, sizes.probes)
    protected = rich[: sizes.protected]
    if copied is not None and len(protected) < sizes.protected:
        raise DatasetError(
            f"there are cloaked copies for {len(protected)} people of {dataset.name} with "
            f"{sizes.probes + 2} or more pictures",
            expected=f"{sizes.protected}, who are protected",
            remedy=f"use {setting('protected', len(protected))}"
            if protected
            else f"correct {setting('cloaked')}",
        )
    rest = [who for who in order if who not in set(protected)]
    if world is not None:
        theirs, everybody = _drawn(world.dataset, Random(sizes.seed), limit)
        people, rest = {**people, **theirs}, [w for w in everybody if w not in world.left_out]
    able = [who for who in rest if len(people[who]) >= sizes.background_pictures]
    background = able[: sizes.background]
    if len(protected) < sizes.protected or len(background) < sizes.background:
        if world is not None:
            raise _too_few_around(dataset, world, sizes, (len(rich), len(able)))
        raise _too_few(dataset, sizes, [len(people[who]) for who in order])
    rest = [who for who in rest if who not in set(background)]
    others = [who for who in rest if len(people[who]) > 1][: sizes.others]
    single = [who for who in rest if len(people[who]) == 1]
    drawn = rng.sample(sorted(strangers, key=lambda p: p.name), len(strangers))
    distractors = [*drawn, *(people[who][0] for who in single)][: sizes.distractors]
    taken = {*others, *(photo.identity for photo in distractors)}
    calibration = [who for who in rest if who not in taken][: sizes.calibration]
    enrolled = len(protected) + len(others) + len(distractors)
    if max(ranks) > enrolled:
        raise PlanError(
            f"the gallery has {enrolled} identities, rank {max(ranks)} requested",
            expected=f"ranks up to {enrolled}",
            remedy=f"lower {setting('ranks')} or enrol {max(ranks) - enrolled} more",
        )
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
        protectable=len(rich),
        too_few_pictures=too_few,
    )


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
    own = {(photo.path, photo.offset) for photo in dataset.photos}
    shared = [photo for photo in strangers if (photo.path, photo.offset) in own]
    if shared:
        raise PlanError(
            f"{len(shared)} pictures of {setting('distractor_dataset')} are in {dataset.name} too",
            expected="strangers, who are nobody in the data set",
            remedy=f"name another {setting('distractor_dataset')}, or keep strangers apart",
        )


def _too_few(dataset: Dataset, sizes: People, pictures: Sequence[int]) -> DatasetError:
    """Says how many people there are, and how the plan would fit them.

    pictures: of each identity, in the order in which they are protected.
    """
    needed, learned = sizes.probes + 2, sizes.background_pictures
    rich = sum(n >= needed for n in pictures)
    able = sum(n >= learned for n in pictures)
    fits = [
        (p, min(sizes.background, sum(n >= learned for n in pictures[p:])))
        for p in range(1, min(sizes.protected, rich) + 1)
    ]
    protected, background = max(
        (fit for fit in fits if fit[1] > 1),  # what learns to tell people apart needs two
        key=lambda fit: (min(fit[0] / sizes.protected, fit[1] / sizes.background), fit),
        default=(0, 0),
    )
    return DatasetError(
        f"{dataset.name} has {len(pictures)} identities, {rich} with the {needed} or more pictures "
        f"of a protected one and {able} with the {learned} of one in the background",
        expected=f"{sizes.protected} protected and {sizes.background} others as background",
        remedy=f"use {setting('protected', protected)} {setting('background', background)}, "
        "or more people"
        if protected
        else f"add pictures until 1 person has {needed} and 2 others have {learned}, "
        f"or lower {setting('probes')}",
    )


def _too_few_around(
    dataset: Dataset, world: World, sizes: People, there: tuple[int, int]
) -> DatasetError:
    """The same where everybody but the protected is from another data set.

    there: people with pictures enough to be protected, and in the world to be background.
    """
    protected, background = (
        min(n, wanted) for n, wanted in zip(there, (sizes.protected, sizes.background), strict=True)
    )
    return DatasetError(
        f"{dataset.name} has {there[0]} people with the {sizes.probes + 2} or more pictures of a "
        f"protected one, and {world.dataset.name} {there[1]} with the {sizes.background_pictures} "
        "of one in the background",
        expected=f"{sizes.protected} protected and {sizes.background} as background",
        remedy=f"use {setting('protected', protected)} {setting('background', background)}"
        if protected and background > 1  # what learns to tell people apart needs two
        else f"add pictures, or name another {setting('world')}",
    )
