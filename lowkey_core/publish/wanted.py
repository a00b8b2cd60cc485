"""Which of a photo's faces are cloaked: all, the largest, or the one that recurs across photos."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from lowkey_core.content import digests_of
from lowkey_core.errors import OptionError, setting
from lowkey_core.faces.found import find
from lowkey_core.networks.flip import AtArcFace, FlipAveraged
from lowkey_core.photos.photo import Photo
from lowkey_core.publish.cut_out import CutOut, cut_out
from lowkey_core.types import Embeddings, Images, Network
from lowkey_core.work.work import Work

log = logging.getLogger(__name__)

Wanted = Callable[[CutOut], CutOut]
"""From all faces of a photo to those that are cloaked."""

RECOGNISER = "dlib"
"""What tells faces apart: it needs no download, and learned from neither LFW nor SynthFaces."""
ALIKE = 0.935
"""Mean cosine likeness of two groups of faces from which they are one person's; measured, as the
next one (benchmarks/README.md, "Likeness")."""
THEIRS = 0.94
"""Cosine likeness of a face to a person's mean face from which it is theirs."""
MOST = 2000
"""Faces that are compared with each other: every one with every other."""
TOGETHER = 32
"""Photos whose faces are in memory together."""


def everybody(own: CutOut, /) -> CutOut:
    """All faces."""
    return own


def largest(own: CutOut, /) -> CutOut:
    """The face that is least magnified to the template."""
    if not len(own.faces):
        return own
    return own.only(torch.linalg.det(own.warps[:, :, :2]).argmin()[None])


PHOTO_BY_PHOTO: dict[str, Wanted] = {"all": everybody, "largest": largest}
"""What can be told without the other photos, as `Settings.faces` calls it."""


@dataclass(frozen=True)
class Mine:
    """The faces of one person."""

    network: Network
    """RECOGNISER."""
    mean: Embeddings
    """(1, d): the person's faces, added and normalised."""
    work: Work

    def __call__(self, own: CutOut, /) -> CutOut:
        """Those that are like the person's mean face."""
        if not len(own.faces):
            return own
        likeness = embedded(own.faces, self.network, self.work) @ self.mean[0]
        return own.only((likeness >= THEIRS).nonzero().flatten())

    @property
    def fingerprint(self) -> str:
        """Of whose faces they are, and when a face is theirs."""
        return digests_of(self.mean)[0] + f" {RECOGNISER} {THEIRS}"


def recurring(photos: Sequence[Photo], network: Network, work: Work) -> Mine:
    """The person who is in most photos. network: RECOGNISER.

    Faces are joined into groups by agglomerative clustering of their embeddings, average linkage
    (scikit-learn). Raises: OptionError if no face recurs, or two do in equally many photos.
    """
    found, faces, whose = find(photos, work), list[Embeddings](), list[int]()
    for start in range(0, len(photos), TOGETHER):
        rows = range(start, min(start + TOGETHER, len(photos)))
        own = [cut_out(photos[i], found[i]).faces for i in rows]
        whose += [i for i, part in zip(rows, own, strict=True) for _ in part]
        if sum(map(len, own)):
            faces.append(embedded(torch.cat(own), network, work))
    every = max(1, -(-len(whose) // MOST))  # rounded up
    vectors = torch.cat(faces)[::every] if faces else torch.zeros(0, 1)
    groups = clustered(vectors, ALIKE)
    seen = {(group, photo) for group, photo in zip(groups, whose[::every], strict=True)}
    (first, most), (_, second) = [*Counter(g for g, _ in seen).most_common(2), (0, 0), (0, 0)][:2]
    if most < 2 or most == second:
        several = f"two faces recur in {most} photos each" if most > 1 else "no face recurs"
        raise OptionError(
            f"{several} among {len(whose)} faces (photos: {len(photos)})",
            expected=f"one person who is in more of them than anybody else, for "
            f"{setting('faces', 'mine')}",
            remedy="add photos of that person, or use "
            f"{setting('faces', 'largest')} or {setting('faces', 'all')}",
        )
    log.info(
        "the face that recurs is in %d of %d photos, the next in %d", most, len(photos), second
    )
    mine = vectors[torch.tensor(groups) == first]
    return Mine(network, F.normalize(mine.sum(0, keepdim=True)), work)


def clustered(vectors: Tensor, alike: float) -> list[int]:
    """The group of each face. vectors: (n, d), unit norm. alike: as ALIKE."""
    if len(vectors) < 2:
        return [0] * len(vectors)
    from sklearn.cluster import AgglomerativeClustering  # its import takes a second

    grouping = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=1 - alike
    )
    groups: list[int] = grouping.fit_predict(vectors.numpy()).tolist()
    return groups


def embedded(faces: Images, network: Network, work: Work) -> Embeddings:
    """(n, d), n at least 1: each face is computed once."""
    return work.per_item(
        "telling faces apart",
        FlipAveraged(AtArcFace(network)),
        digests_of(faces),
        lambda rows: faces[rows],
    )
