"""The photos of an audit, read, aligned and dealt out: what everything else works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audit.plan import AuditPlan
from audit.protocol import split
from audit.report import Counts
from lowkey_core import datasets
from lowkey_core.alignment import DETECTOR_CARDS, landmarks, similarity, warp
from lowkey_core.cache import Record, Work, fingerprint
from lowkey_core.checks import DatasetError, PlanError, UnreadableImageError
from lowkey_core.datasets import Photo
from lowkey_core.images import decode
from lowkey_core.types import Faces, Pictures


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
    parts = split(datasets.load(plan.dataset), plan)
    aligned = align(parts.photos, work)
    numbers = {who: i for i, who in enumerate(dict.fromkeys(p.identity for p in parts.photos))}
    gallery, probes, bystanders, background = (
        aligned.pictures(photos, numbers)
        for photos in (parts.gallery, parts.probes, parts.bystanders, parts.background)
    )
    people = _people(gallery, probes)
    rows = cloaked_rows(gallery.identities, plan.cloaked_share)
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
            remedy="raise --cloaked-share or --gallery",
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
        unreadable=aligned.unreadable,
    )
    return Photographs(gallery, probes, bystanders, background, rows, counts)


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
    no_face: tuple[str, ...]
    unreadable: tuple[str, ...]

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
    detector = [card.sha256 for card in DETECTOR_CARDS]
    keys = [fingerprint("aligned", detector, _find_face, _content(photo)) for photo in photos]
    records = work.through(
        "finding faces", keys, lambda i: _find_face(_content(photos[i]), photos[i].name)
    )
    outcome = {photo.name: record for photo, record in zip(photos, records, strict=True)}
    return Aligned(
        {n: r["face"].float().div(255) for n, r in outcome.items() if "face" in r},
        tuple(n for n, r in outcome.items() if "no face" in r),
        tuple(n for n, r in outcome.items() if "unreadable" in r),
    )


def _content(photo: Photo) -> bytes:
    """The file's bytes; none if it cannot be opened, which is no picture either."""
    try:
        return photo.read()
    except OSError:
        return b""


def _find_face(content: bytes, name: str) -> Record:
    try:
        photo = decode(content, name)
    except UnreadableImageError:
        return {"unreadable": torch.ones(1)}
    points = landmarks(photo)
    if points is None:
        return {"no face": torch.ones(1)}
    face = warp(photo, similarity(points)[None])
    return {"face": face.mul(255).round().to(torch.uint8)}
