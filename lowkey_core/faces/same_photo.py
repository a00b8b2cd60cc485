"""Which file shows which photo, told by their faces: for copies whose names say nothing."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lowkey_core.errors import UnreadableImageError
from lowkey_core.faces.detection import cut
from lowkey_core.faces.found import Found, find
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import ARCFACE
from lowkey_core.work.work import Work

LIKENESS = 0.95
"""Correlation of two aligned faces from which they are taken for one photo. Between cloaked copies
and their photos it is above, between two photos of one person below (benchmarks.alike)."""


def correlation(one: Tensor, other: Tensor) -> float:
    """Of two pictures' values, in [-1, 1]; 0 with one of a single colour."""
    both = torch.stack([one.flatten().float(), other.flatten().float()])
    return float(both.corrcoef()[0, 1].nan_to_num())


def by_face(
    files: Sequence[Photo], candidates: Sequence[Sequence[Photo]], work: Work
) -> dict[str, tuple[Photo, float]]:
    """Photos by name, each with the file that shows it and their likeness.

    candidates: the photos that a file may be a copy of. A file and a photo belong together if each
    is the other's likest, and by LIKENESS at least.
    """
    photos = list({photo.name: photo for own in candidates for photo in own}.values())
    faces = dict(zip([p.name for p in photos], _faces(photos, work), strict=True))
    likest: dict[str, tuple[Photo, float]] = {}
    for file, own, face in zip(files, candidates, _faces(files, work), strict=True):
        alike = [(correlation(face, faces[photo.name]), photo.name) for photo in own]
        likeness, name = max(alike, default=(0.0, ""))
        if likeness >= LIKENESS and likeness > likest.get(name, (file, 0.0))[1]:
            likest[name] = file, likeness
    return likest


def _faces(photos: Sequence[Photo], work: Work) -> list[Tensor]:
    """The main face of each, (3, 112, 112) uint8; black where none can be cut out."""
    return [_face(p, found) for p, found in zip(photos, find(photos, work), strict=True)]


def _face(photo: Photo, found: Found) -> Tensor:
    try:
        if found.frames:
            pixels = decode_pixels(photo.read(), photo.name)
            return cut(pixels, found.frames[0].to(ARCFACE))
    except UnreadableImageError:
        pass
    return torch.zeros(3, 112, 112, dtype=torch.uint8)
