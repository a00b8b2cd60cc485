"""How much of a person a cloak leaves in a picture: it explains why cloaks fail.

Fawkes v2 measures it: a cloak that moves a picture far, but leaves a small cosine to its person,
is still found by what looks for that (see docs/adversaries.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Tensor

from adversaries import System
from audit.measures import Searches
from audit.outcomes import Outcome
from lowkey_core.errors import NotPossibleError
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Embeddings, Pictures

OWN_CLOAKED = "cosine of cloaked pictures to the own clean centroid"
OWN_CLEAN = "cosine of clean pictures to the own clean centroid"
STRANGER = "cosine of cloaked pictures to a stranger's clean centroid"
NEAREST = "cosine of cloaked pictures to the nearest stranger's clean centroid"


def build() -> Residual:
    """Takes no options."""
    return Residual()


class Residual:
    """Cosines under the network that the adversary enrolled with."""

    def __call__(
        self, control: System, cloaked: System, searches: Searches, /
    ) -> dict[str, Outcome]:
        """Values: means over scored people of the means over their pictures.

        Pictures are those that were published cloaked, as the adversary enrolled them, and the same
        ones in the clean arm. The own centroid is that of a person's clean probes, which are other
        photos; a stranger's that of anybody else's pictures in the clean gallery, the mean over
        all of them, or the nearest to each picture. No value where nothing is left to compare.
        Raises: NotPossibleError where the adversary gives no embeddings.
        """
        before, after = _embedding(control), _embedding(cloaked)
        clean = _among(control.kept, searches.before.select(searches.changed))
        cloaks = _among(cloaked.kept, searches.scraped.select(searches.changed))
        known = searches.clean, control.kept, searches.scored
        own_clean = [own for own, _ in _cosines(before, clean, *known)]
        found = [*_cosines(after, cloaks, *known)]
        others = [strange for _, strange in found if strange.shape[1]]
        return {
            OWN_CLOAKED: Outcome(value=_mean([own for own, _ in found])),
            OWN_CLEAN: Outcome(value=_mean(own_clean)),
            STRANGER: Outcome(value=_mean([strange.mean(1) for strange in others])),
            NEAREST: Outcome(value=_mean([strange.amax(1) for strange in others])),
        }


def _embedding(system: System) -> Embedding:
    if isinstance(system.recognition, Embedding):
        return system.recognition
    raise NotPossibleError(
        "the adversary gives no embeddings of pictures",
        expected="one that enrols with a network, and names it in its System",
        remedy="leave this measure out, or name a recogniser that is no service",
    )


def _among(pictures: Pictures, others: Pictures) -> Pictures:
    """Those that are called as one of the others and in which a face was found."""
    names = set(others.names)
    known = torch.tensor([name in names for name in pictures.names], dtype=torch.bool)
    return pictures.select(known & pictures.found)


def _cosines(
    embedding: Embedding,
    pictures: Pictures,
    probes: Pictures,
    enrolled: Pictures,
    people: tuple[int, ...],
) -> Iterator[tuple[Tensor, Tensor]]:
    """For each of the people with pictures and probes: their pictures' cosines to the own centroid,
    (n,), and to those of the others, (n, others)."""
    who, strangers = _centroids(embedding, enrolled)
    probed, own = _centroids(embedding, probes)
    for person in people:
        mine, rows = probed == person, pictures.identities == person
        if mine.any() and rows.any():
            vectors = embedding.embed(pictures.select(rows))
            yield (vectors @ own[mine].T)[:, 0], vectors @ strangers[who != person].T


def _centroids(embedding: Embedding, pictures: Pictures) -> tuple[Tensor, Embeddings]:
    """Identities in ascending order, (c,), and the normalised mean embedding of each, (c, d)."""
    pictures = pictures.select(pictures.found)
    if not len(pictures):
        return torch.zeros(0, dtype=torch.int64), torch.zeros(0, 1)
    vectors = embedding.embed(pictures)
    known, column = pictures.identities.unique(return_inverse=True)
    sums = vectors.new_zeros(len(known), vectors.shape[1]).index_add(0, column, vectors)
    return known, F.normalize(sums)


def _mean(each: list[Tensor]) -> float | None:
    return fmean(x.mean().item() for x in each) if each else None
