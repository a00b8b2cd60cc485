"""Who is protected, who else is enrolled, who is background, and which pictures are probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from audit.plan import AuditPlan
from lowkey_core.checks import DatasetError, PlanError
from lowkey_core.copies import Copies
from lowkey_core.datasets import Dataset, Photo


@dataclass(frozen=True)
class Split:
    """Photos by part. No identity is in two of protected, others, background, distractors."""

    gallery: tuple[Photo, ...]
    """Of protected identities: published, cloaked or not."""
    probes: tuple[Photo, ...]
    """Of protected identities: clean, to be identified."""
    bystanders: tuple[Photo, ...]
    """Of others and distractors: published, never cloaked."""
    background: tuple[Photo, ...]
    """The adversary's own."""

    protectable: int
    """Identities of the data set with pictures enough to be protected."""
    too_few_pictures: int
    """Those without."""

    @property
    def photos(self) -> tuple[Photo, ...]:
        """All of them."""
        return self.gallery + self.probes + self.bystanders + self.background


def split(
    dataset: Dataset,
    plan: AuditPlan,
    strangers: Sequence[Photo] = (),
    copies: Copies | None = None,
) -> Split:
    """A split that depends on the photos, the plan's counts and its seed alone.

    strangers: one picture each, of nobody in `dataset`; they are distractors before its own are.
    copies: cloaked copies, where they are not made here. People who have some come first as
    protected, then as background; their pictures without a copy come first as probes. If all have
    copies the split is that without `copies`.
    Raises: DatasetError if there are too few identities, PlanError if a rank cannot be reached.
    """
    _apart(dataset, strangers)
    rng, limit = Random(plan.seed), plan.probes + plan.gallery
    people = {who: rng.sample(photos, len(photos)) for who, photos in dataset.by_identity.items()}
    order = rng.sample(sorted(people), len(people))
    order.sort(key=lambda who: -min(len(people[who]), limit))  # full galleries first
    cloaking = set(people)
    if copies is not None:
        copied = {p.name for photos in people.values() for p in photos if copies.find(p)}
        for photos in people.values():
            photos.sort(key=lambda p: p.name in copied)
        cloaking = {who for who in people if people[who][-1].name in copied}
        order.sort(key=lambda who: who not in cloaking)
    rich = [who for who in order if len(people[who]) >= plan.probes + 2 and who in cloaking]
    protected = rich[: plan.protected]
    rest = [who for who in order if who not in set(protected)]
    able = [who for who in rest if len(people[who]) >= plan.background_pictures]
    background = able[: plan.background]
    if len(protected) < plan.protected or len(background) < plan.background:
        raise _too_few(dataset, plan, [len(people[who]) for who in order])
    rest = [who for who in rest if who not in set(background)]
    others = [who for who in rest if len(people[who]) > 1][: plan.others]
    single = [people[who][0] for who in rest if len(people[who]) == 1]
    drawn = rng.sample(sorted(strangers, key=lambda p: p.name), len(strangers))
    distractors = [*drawn, *single][: plan.distractors]
    enrolled = len(protected) + len(others) + len(distractors)
    if max(plan.ranks) > enrolled:
        raise PlanError(
            f"the gallery has {enrolled} identities, rank {max(plan.ranks)} requested",
            expected=f"ranks up to {enrolled}",
            remedy=f"lower --ranks or enrol {max(plan.ranks) - enrolled} more",
        )
    return Split(
        gallery=tuple(p for who in protected for p in people[who][plan.probes : limit]),
        probes=tuple(p for who in protected for p in people[who][: plan.probes]),
        bystanders=tuple(p for who in others for p in people[who][: plan.gallery])
        + tuple(distractors),
        background=tuple(p for who in background for p in people[who][: plan.background_pictures]),
        protectable=len(rich),
        too_few_pictures=len(people) - len(rich),
    )


def _apart(dataset: Dataset, strangers: Sequence[Photo]) -> None:
    own = {(photo.path, photo.offset) for photo in dataset.photos}
    shared = [photo for photo in strangers if (photo.path, photo.offset) in own]
    if shared:
        raise PlanError(
            f"{len(shared)} pictures of --distractor-dataset are in {dataset.name} too",
            expected="strangers, who are nobody in the data set",
            remedy="name another --distractor-dataset, or keep strangers in a folder of their own",
        )


def _too_few(dataset: Dataset, plan: AuditPlan, pictures: Sequence[int]) -> DatasetError:
    """Says how many people there are, and how the plan would fit them.

    pictures: of each identity, in the order in which they are protected.
    """
    needed, learned = plan.probes + 2, plan.background_pictures
    rich = sum(n >= needed for n in pictures)
    able = sum(n >= learned for n in pictures)
    fits = [
        (p, min(plan.background, sum(n >= learned for n in pictures[p:])))
        for p in range(1, min(plan.protected, rich) + 1)
    ]
    protected, background = max(
        (fit for fit in fits if fit[1] > 1),  # what learns to tell people apart needs two
        key=lambda fit: (min(fit[0] / plan.protected, fit[1] / plan.background), fit),
        default=(0, 0),
    )
    return DatasetError(
        f"{dataset.name} has {len(pictures)} identities, {rich} with the {needed} or more pictures "
        f"of a protected one and {able} with the {learned} of one in the background",
        expected=f"{plan.protected} protected and {plan.background} others as background",
        remedy=f"use --protected {protected} --background {background}, or more people"
        if protected
        else f"add pictures until 1 person has {needed} and 2 others have {learned}, "
        "or lower --probes",
    )
