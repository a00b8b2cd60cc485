"""The photos of an audit, read, aligned and dealt out: what everything else works on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from audit.plan import AuditPlan
from audit.protocol import split
from audit.report import Counts
from lowkey_core import datasets
from lowkey_core.cloaks.folder import ENOUGH, Copied
from lowkey_core.datasets import Dataset
from lowkey_core.errors import DatasetError, PlanError
from lowkey_core.faces.detection import Frame, find
from lowkey_core.photos.photo import Photo
from lowkey_core.publish.copies import Copies
from lowkey_core.types import Faces, Pictures
from lowkey_core.work.work import Work


@dataclass(frozen=True)
class Photographs:
    """Aligned crops by part; identities are numbered, protected ones from 0."""

    gallery: Pictures
    """Of protected identities, clean."""
    probes: Pictures
    bystanders: Pictures
    """Of everybody else enrolled; never cloaked."""
    background: Pictures
    """The adversary's own."""
    cloaked_rows: Tensor
    """(m,) int64: the gallery pictures that get cloaked."""
    counts: Counts
    files: Mapping[str, Photo]
    """The gallery's and the background's, by name."""
    frames: Mapping[str, Frame]
    """Where in them the faces are."""
    dataset: Dataset
    """What all of them are from."""
    copied: Copied | None = None
    """The gallery's and the background's cloaked copies, where they are not made here."""

    @property
    def cloaked_share(self) -> float:
        """Of the protected identities' gallery."""
        return len(self.cloaked_rows) / len(self.gallery)

    @property
    def people(self) -> list[int]:
        """Protected identities with a face in the gallery and among the probes."""
        return _people(self.gallery, self.probes)

    @property
    def probe_faces(self) -> Faces:
        """The probes as a recogniser sees them."""
        return Faces(self.probes.images, self.probes.identities)


def photographs(plan: AuditPlan, work: Work) -> Photographs:
    """Raises: DatasetError, PlanError."""
    dataset, copies = datasets.load(plan.dataset, work), None
    if plan.cloaked is not None:
        folder = Copies(Path(plan.cloaked))
        dataset = replace(dataset, photos=folder.originals(dataset.photos))
        copies = folder.match(dataset.photos)
    strangers = [p for name in plan.distractor_datasets for p in datasets.strangers(name, work)]
    parts = split(dataset, plan, strangers, copies)
    aligned = align(parts.photos, work)
    numbers = {who: i for i, who in enumerate(dict.fromkeys(p.identity for p in parts.photos))}
    probes, gallery, bystanders, background = (
        aligned.pictures(photos, numbers)
        for photos in (parts.probes, parts.gallery, parts.bystanders, parts.background)
    )
    (gallery, bystanders, background), duplicates = once(probes, gallery, bystanders, background)
    people = _people(gallery, probes)
    rows, copied = cloaked_rows(gallery.identities, plan.cloaked_share), None
    if copies is not None:
        names = gallery.names + background.names
        copied = Copied(copies, {n: aligned.faces[n] for n in names}, aligned.frames, work)
        rows = rows[[gallery.names[i] in copied.faces for i in rows.tolist()]]
        shared = [i for i, name in enumerate(background.names) if name in copied.faces]
        if len(background.identities[shared].unique()) >= ENOUGH:
            background = background.select(shared)  # else the adversaries will say so
    if not people or not len(background):
        raise DatasetError(
            f"faces were found in {len(gallery)} pictures of the gallery, {len(probes)} probes and "
            f"{len(background)} of the background",
            expected="at least one person with a face in gallery and probes, and a background",
            remedy="look at the pictures, or use another data set",
        )
    if not len(rows):
        raise PlanError(
            f"a cloaked share of {plan.cloaked_share:g} cloaks none of {len(gallery)} pictures",
            expected="at least one cloaked picture",
            remedy="raise --cloaked-share or --gallery, or look at the copies in --cloaked",
        )
    counts = Counts(
        dataset=plan.dataset,
        protected=len(people),
        without_pictures=plan.protected - len(people),
        probes=len(probes),
        gallery=len(gallery) + len(bystanders),
        enrolled=len(torch.cat([gallery.identities, bystanders.identities]).unique()),
        background_identities=len(background.identities.unique()),
        background_pictures=len(background),
        no_face=aligned.no_face,
        unreadable=tuple(aligned.unreadable),
        unreadable_reasons=dict(sorted(Counter(aligned.unreadable.values()).items())),
        duplicates=duplicates,
        protectable=parts.protectable,
        too_few_pictures=parts.too_few_pictures,
    )
    own = (*gallery.names, *background.names)
    files = {photo.name: photo for photo in parts.photos}
    return Photographs(
        gallery=gallery,
        probes=probes,
        bystanders=bystanders,
        background=background,
        cloaked_rows=rows,
        counts=counts,
        files={name: files[name] for name in own},
        frames={name: aligned.frames[name] for name in own},
        dataset=dataset,
        copied=copied,
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
    return sorted(set(gallery.identities.tolist()) & set(probes.identities.tolist()))


def cloaked_rows(identities: Tensor, share: float) -> Tensor:
    """Rows of the gallery to cloak: of each identity's n pictures, the first round(share * n).

    The others stay clean, as pictures do that were online before their owner knew of cloaks.
    """
    rows = [(identities == who).nonzero().flatten() for who in identities.unique()]
    parts = [r[: round(share * len(r))] for r in rows]
    return torch.cat(parts) if parts else identities


@dataclass(frozen=True)
class Aligned:
    """Faces by photo name, and the photos that gave none."""

    faces: dict[str, Tensor]
    """(1, 3, 112, 112) float32 on the 256 grey levels."""
    frames: dict[str, Frame]
    """Where in its photo each face is."""
    no_face: tuple[str, ...]
    unreadable: dict[str, str]
    """And why, one of `checks.REASONS`."""

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
