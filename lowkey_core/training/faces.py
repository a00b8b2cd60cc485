"""The training faces, and the people who are kept out of all training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from lowkey_core.datasets import Dataset, synthetic
from lowkey_core.datasets import kept_out as kept_out
from lowkey_core.faces.alignment import warp
from lowkey_core.faces.found import Found, find
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.images import from_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import ARCFACE, FACE_SIZE
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work

ROOM = 16
"""Pixels kept around the template: augmentation moves faces, and portraits show hair."""
_SIDE = FACE_SIZE + 2 * ROOM
TRAINING_SEEDS = (1, 2, 3)
"""Seeds of the SynthFaces people used for training; audits use seed 0."""


@dataclass(frozen=True)
class TrainingFaces:
    """Aligned faces with room around them."""

    images: Tensor
    """(n, 3, s, s) uint8; the template is ROOM pixels from each edge."""
    identities: Tensor
    """(n,) int64, from 0."""

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def digest(self) -> str:
        """Fingerprint of images and identities."""
        return fingerprint("training faces", self.images, self.identities)


def training_faces(dataset: Dataset, work: Work) -> TrainingFaces:
    """The main face of every photo of people who are not kept out."""
    out, known = kept_out(dataset), dataset.by_identity.items()
    return _aligned([(who, p) for who, mine in known if who not in out for p in mine], work)


def generated_faces(work: Work) -> TrainingFaces:
    """The main face of every SynthFaces picture of TRAINING_SEEDS.

    Raises: MissingWeightsError, TamperedWeightsError.
    """
    sets = [synthetic.build(work, seed) for seed in TRAINING_SEEDS]
    named = [(f"{p.identity} of {p.path.parent}", p) for one in sets for p in one.photos]
    return _aligned(named, work)


def _aligned(named: Sequence[tuple[str, Photo]], work: Work) -> TrainingFaces:
    found = find([photo for _, photo in named], work)
    with_face = [(who, p, f) for (who, p), f in zip(named, found, strict=True) if f.frames]
    keys = [fingerprint(_padded, f.content, f.frames[0].to(ARCFACE), ROOM) for _, p, f in with_face]
    records = work.through("aligning faces", keys, lambda i: _padded(*with_face[i][1:]))
    numbers = {who: i for i, who in enumerate(dict.fromkeys(who for who, _, _ in with_face))}
    return TrainingFaces(
        torch.cat([r["face"] for r in records]),
        torch.tensor([numbers[who] for who, _, _ in with_face]),
    )


def _padded(photo: Photo, found: Found) -> Record:
    moved = found.frames[0].to(ARCFACE)[None]
    moved[:, :, 2] += ROOM
    image = warp(from_pixels(decode_pixels(photo.read(), photo.name)), moved, _SIDE)
    return {"face": image.mul(255).round().to(torch.uint8)}
