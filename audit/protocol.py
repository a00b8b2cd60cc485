"""Who is protected, who else is enrolled, who is background, and which pictures are probes."""

from __future__ import annotations

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

    @property
    def photos(self) -> tuple[Photo, ...]:
        """All of them."""
        return self.gallery + self.probes + self.bystanders + self.background


def split(dataset: Dataset, plan: AuditPlan, copies: Copies | None = None) -> Split:
    """A split that depends on the data set, the plan's counts and its seed alone.

    copies: cloaked copies, where they are not made here. People who have some come first as
    protected, then as background; their pictures without a copy come first as probes. If all have
    copies the split is that without `copies`.

    Raises: DatasetError if there are too few identities, PlanError if a rank cannot be reached.
    """
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
    _enough(dataset, len(protected), plan.protected, plan.probes + 2, "protected")
    rest = [who for who in order if who not in set(protected)]
    able = [who for who in rest if len(people[who]) >= plan.background_pictures]
    background = able[: plan.background]
    _enough(dataset, len(background), plan.background, plan.background_pictures, "background")
    rest = [who for who in rest if who not in set(background)]
    others = [who for who in rest if len(people[who]) > 1][: plan.others]
    single = [who for who in rest if len(people[who]) == 1][: plan.distractors]
    enrolled = len(protected) + len(others) + len(single)
    if max(plan.ranks) > enrolled:
        raise PlanError(
            f"the gallery has {enrolled} identities, rank {max(plan.ranks)} requested",
            expected=f"ranks up to {enrolled}",
            remedy=f"lower --ranks or enrol {max(plan.ranks) - enrolled} more",
        )
    return Split(
        gallery=tuple(p for who in protected for p in people[who][plan.probes : limit]),
        probes=tuple(p for who in protected for p in people[who][: plan.probes]),
        bystanders=tuple(p for who in others + single for p in people[who][: plan.gallery]),
        background=tuple(p for who in background for p in people[who][: plan.background_pictures]),
    )


def _enough(dataset: Dataset, got: int, wanted: int, pictures: int, role: str) -> None:
    if got < wanted:
        raise DatasetError(
            f"{dataset.name} has {got} identities with {pictures} or more pictures left as {role}",
            expected=f"{wanted}",
            remedy=f"lower --{role}, or use a larger data set",
        )
