"""The photos of an audit, read, aligned and dealt out: what everything else works on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from audit.plan import AuditPlan
from audit.protocol import split
from audit.records import Counts
from lowkey_core import datasets
from lowkey_core.datasets import Dataset
from lowkey_core.errors import DatasetError, Reason
from lowkey_core.faces.detection import Frame, find
from lowkey_core.photos.photo import Photo
from lowkey_core.types import Pictures, ThirdPartyCloak
from lowkey_core.work.work import Work


@dataclass(frozen=True)
class Photographs:
    """Pictures by part; identities are numbered, protected ones from 0."""

    gallery: Pictures
    """Of protected identities, clean."""
    probes: Pictures
    bystanders: Pictures
    """Of everybody else enrolled; never cloaked."""
    background: Pictures
    """The adversary's own."""
    calibration: Pictures
    """Of people in no other part."""
    counts: Counts
    files: Mapping[str, Photo]
    """The photos that may be cloaked, by name."""
    frames: Mapping[str, Frame]
    """Where in them the faces are."""
    dataset: Dataset
    """What all of them are from."""

    @property
    def people(self) -> list[int]:
        """Protected identities with a face in the gallery and among the probes."""
        return _people(self.gallery, self.probes)


def photographs(plan: AuditPlan, work: Work, copies: Sequence[ThirdPartyCloak] = ()) -> Photographs:
    """copies: cloaks whose pictures somebody else made. Raises: DatasetError, PlanError."""
    sizes, dataset = plan.people, datasets.load(plan.people.dataset, work)
    for cloak in copies:
        dataset = replace(dataset, photos=cloak.originals(dataset.photos))
    copied = {p.name for p in dataset.photos if all(cloak.covers(p.name) for cloak in copies)}
    strangers = [p for name in sizes.distractor_datasets for p in datasets.strangers(name, work)]
    parts = split(dataset, plan, strangers, copied if copies else None)
    aligned = align(parts.photos, work)
    numbers = {who: i for i, who in enumerate(dict.fromkeys(p.identity for p in parts.photos))}
    probes, *others = (
        aligned.pictures(photos, numbers)
        for photos in (
            parts.probes,
            parts.gallery,
            parts.bystanders,
            parts.background,
            parts.calibration,
        )
    )
    (gallery, bystanders, background, calibration), duplicates = once(probes, *others)
    for cloak in copies:
        cloak.read(gallery.join(probes).join(background), aligned.frames)
    people = _people(gallery, probes)
    if not people or not len(background):
        raise DatasetError(
            f"faces were found in {len(gallery)} pictures of the gallery, {len(probes)} probes and "
            f"{len(background)} of the background",
            expected="at least one person with a face in gallery and probes, and a background",
            remedy="look at the pictures, or use another data set",
        )
    counts = Counts(
        dataset=sizes.dataset,
        protected=len(people),
        without_pictures=sizes.protected - len(people),
        probes=len(probes),
        gallery=len(gallery) + len(bystanders),
        enrolled=len(set(gallery.people) | set(bystanders.people)),
        background_identities=len(background.people),
        background_pictures=len(background),
        no_face=aligned.no_face,
        unreadable=tuple(aligned.unreadable),
        unreadable_reasons=dict(sorted(Counter(aligned.unreadable.values()).items())),
        duplicates=duplicates,
        protectable=parts.protectable,
        too_few_pictures=parts.too_few_pictures,
    )
    own = (*gallery.names, *probes.names, *background.names)
    files = {photo.name: photo for photo in parts.photos}
    return Photographs(
        gallery=gallery,
        probes=probes,
        bystanders=bystanders,
        background=background,
        calibration=calibration,
        counts=counts,
        files={name: files[name] for name in own},
        frames={name: aligned.frames[name] for name in own},
        dataset=dataset,
    )


def once(probes: Pictures, *parts: Pictures) -> tuple[list[Pictures], tuple[str, ...]]:
    """The parts without any picture that is a probe or stands before it, and the names left out.

    A probe that was enrolled, or learned from, would find itself. Pictures are the same if their
    aligned 8-bit pixels are: so are those of one file's copies, whatever they are called. Pixels
    of a file that was encoded again are not, and stay.
    """
    seen, kept, left_out = set(probes.digests), list[Pictures](), list[str]()
    for part in parts:
        rows = []
        for i, digest in enumerate(part.digests):
            if digest in seen:
                left_out.append(part.names[i])
            else:
                rows.append(i)
                seen.add(digest)
        kept.append(part if len(rows) == len(part) else part.select(torch.tensor(rows).long()))
    return kept, tuple(left_out)


def _people(gallery: Pictures, probes: Pictures) -> list[int]:
    return sorted(set(gallery.people) & set(probes.people))


@dataclass(frozen=True)
class Aligned:
    """Faces by photo name, and the photos that gave none."""

    faces: dict[str, Tensor]
    """(1, 3, 112, 112) float32 on the 256 grey levels."""
    frames: dict[str, Frame]
    """Where in its photo each face is."""
    no_face: tuple[str, ...]
    unreadable: dict[str, Reason]
    """And why."""

    def pictures(self, photos: Sequence[Photo], numbers: dict[str, int]) -> Pictures:
        """The aligned ones among `photos`, identities by their numbers."""
        found = [photo for photo in photos if photo.name in self.faces]
        images = [self.faces[photo.name] for photo in found]
        return Pictures(
            torch.cat(images) if images else torch.zeros(0, 3, 112, 112),
            torch.tensor([numbers[photo.identity] for photo in found], dtype=torch.int64),
            tuple(photo.name for photo in found),
        )


def align(photos: Sequence[Photo], work: Work) -> Aligned:
    """Every photo's main face at the template; failures are counted, not dropped."""
    outcome = {p.name: found for p, found in zip(photos, find(photos, work), strict=True)}
    return Aligned(
        {n: f.faces[:1] for n, f in outcome.items() if len(f.faces)},
        {n: Frame(f.size, f.warps[0]) for n, f in outcome.items() if len(f.faces)},
        tuple(n for n, f in outcome.items() if not len(f.faces) and not f.lost),
        {n: f.lost for n, f in outcome.items() if f.lost},
    )
