"""Pictures that are too much alike to count as different photos, or as different people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from audit.photographs import Photographs
from audit.scene import Scene
from lowkey_core.datasets.synthetic import GeneratedPhoto
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Pictures, Recognition


@dataclass(frozen=True)
class Bars:
    """Cosine likeness of a recogniser's flip-averaged embeddings."""

    copies: float
    """Of two pictures from which they show one moment: frames of a scene, or one photo encoded
    twice."""
    person: float
    """Of a picture and a person's mean face from which it may be that person."""


KNOWN = {
    "mobilefacenet:ms1m": Bars(0.9, 0.55),
    "edgeface:xxs": Bars(0.9, 0.5),
    "dlib": Bars(0.99, 0.96),
}
"""Recognisers whose likeness was measured (benchmarks/README.md, "Likeness"), best first."""


def compared(scene: Scene) -> Scene:
    """The same, with what `looked_at` counts."""
    return replace(scene, photos=looked_at(scene.photos, scene.recognitions))


def looked_at(photos: Photographs, recognitions: Sequence[Sequence[Recognition]]) -> Photographs:
    """The same, with counts of probes that are copies of what is enrolled, and of others who look
    like a protected person.

    Looked for with the first of KNOWN among the audit's own recognisers, whose embeddings are
    needed anyhow; not at all without one. Pictures that were drawn are passed over: on those,
    likeness was not measured.
    """
    by_name = {group[0].card.name: group[0] for group in recognitions}
    for name, bars in KNOWN.items():
        recognition = by_name.get(name)
        if isinstance(recognition, Embedding):
            counts = photos.counts.model_copy(
                update={
                    "compared_by": name,
                    "near_duplicates": tuple(_copies(photos, recognition, bars.copies)),
                    "lookalikes": tuple(_lookalikes(photos, recognition, bars.person)),
                }
            )
            return replace(photos, counts=counts)
    return photos


def _copies(photos: Photographs, recognition: Embedding, bar: float) -> Iterator[str]:
    """Names of probes that show the same as a picture of their person in the gallery."""
    probes, gallery = _photographed(photos.probes), _photographed(photos.gallery)
    if not len(probes) or not len(gallery):
        return
    likeness = recognition.embed(probes) @ recognition.embed(gallery).T
    own = probes.identities[:, None] == gallery.identities
    for row in ((likeness >= bar) & own).any(1).nonzero().flatten().tolist():
        yield probes.names[row]


def _lookalikes(photos: Photographs, recognition: Embedding, bar: float) -> Iterator[str]:
    """Names of others enrolled who may be a protected person."""
    others = _photographed(photos.bystanders)
    people = _photographed(photos.gallery.join(photos.probes))
    if not len(others) or not len(people):
        return
    means = torch.cat([_mean(recognition, people.of([who])) for who in people.people])
    likeness = _by_identity(recognition.embed(others) @ means.T, others)
    for who, row in zip(others.people, likeness, strict=True):
        if float(row.max()) >= bar:
            yield photos.names[who]


def _photographed(pictures: Pictures) -> Pictures:
    """Those that were not drawn."""
    drawn = [isinstance(getattr(p, "photo", None), GeneratedPhoto) for p in pictures.items]
    return pictures.select([i for i, made in enumerate(drawn) if not made])


def _mean(recognition: Embedding, pictures: Pictures) -> Tensor:
    """(1, d): a person's mean face."""
    return F.normalize(recognition.embed(pictures).sum(0, keepdim=True))


def _by_identity(likeness: Tensor, pictures: Pictures) -> Tensor:
    """(i, n), from (p, n): the greatest of each identity's pictures."""
    return torch.stack([likeness[pictures.identities == who].amax(0) for who in pictures.people])
