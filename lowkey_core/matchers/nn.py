"""1-NN: an identity's score is the cosine similarity of its most similar picture.

Galleries of more than `LARGE` pictures are searched by `faiss`, where that is installed: it finds
the same.
"""

from __future__ import annotations

import importlib
import importlib.util

import torch
from torch import Tensor

from lowkey_core.recognition.blocks import blocks
from lowkey_core.recognition.candidates import best, merged, stacked
from lowkey_core.recognition.matching import Fit, Fitted
from lowkey_core.types import Candidates, Embeddings
from lowkey_core.work.work import Work

PROBES, COLUMNS = 256, 65_536
"""Probes, and gallery pictures, of one block: a table of 256 x 65,536 takes 64 MiB."""
LARGE = 50_000
"""Pictures in a gallery above which FAISS is faster by much."""
CLOSE = 1e-6
"""Cosines of which the order depends on the order in which single-precision products are added: it
is decided in double precision."""
_SPARE = 16
"""People behind the last one asked for whose cosines may be that close to it."""


def build(work: Work | None = None) -> Fit:
    """work: where a large gallery's file may be."""

    def fit(gallery: Embeddings, identities: Tensor) -> Fitted:
        if by_faiss(len(gallery)):
            from lowkey_core.matchers import faiss

            return faiss.build("flat", work)(gallery, identities)
        return NearestNeighbour(gallery, identities)

    return fit


def by_faiss(pictures: int) -> str:
    """That a gallery of so many pictures is searched by FAISS, for the report; "" if it is not."""
    if pictures <= LARGE or importlib.util.find_spec("faiss") is None:
        return ""
    return f"by FAISS {importlib.import_module('faiss').__version__} above {LARGE:,} pictures"


class NearestNeighbour:
    """A gallery's embeddings, pictures of one identity side by side."""

    def __init__(self, gallery: Embeddings, identities: Tensor) -> None:
        order = identities.argsort(stable=True)
        self.gallery, self.identities = gallery[order], identities[order]

    def search(self, probes: Embeddings, k: int, /) -> Candidates:
        """As `Fitted.search`."""
        known = len(self.identities.unique())
        return stacked((self._search(p, k) for p in probes.split(PROBES)), min(k, known))

    def _search(self, probes: Embeddings, k: int) -> Candidates:
        parts = []
        for start, end in blocks(self.identities, COLUMNS):
            known, column = self.identities[start:end].unique(return_inverse=True)
            similarity = probes @ self.gallery[start:end].T
            scores = similarity.new_full((len(probes), len(known)), -torch.inf)
            scores.scatter_reduce_(1, column.expand_as(similarity), similarity, "amax")
            parts.append(best(scores, known, k + _SPARE))
        return self._told_apart(probes, merged(parts, k + _SPARE), k)

    def _told_apart(self, probes: Embeddings, found: Candidates, k: int) -> Candidates:
        """The k best of what is found, in an order that depends on vectors alone: not on which of
        them are multiplied together. Equal ones are in the order of identities."""
        scores, identities = found.scores.clone(), found.identities.clone()
        close = (scores[:, :-1] - scores[:, 1:] <= CLOSE).any(1)
        for row in close.nonzero().flatten().tolist():
            people = identities[row].sort().values
            cosines = self._cosines(probes[row], people)
            order = cosines.argsort(descending=True, stable=True)
            identities[row], scores[row] = people[order], cosines[order].to(scores.dtype)
        return Candidates(scores[:, :k], identities[:, :k])

    def _cosines(self, probe: Tensor, people: Tensor) -> Tensor:
        """(c,) float64: of each of the people's most similar picture. probe: (d,). people: (c,),
        ascending."""
        mine = torch.isin(self.identities, people).nonzero().flatten()
        column = torch.searchsorted(people, self.identities[mine])
        each = (self.gallery[mine].double() * probe.double()).sum(1)
        return each.new_full((len(people),), -torch.inf).scatter_reduce(0, column, each, "amax")

    def likeness(self, probes: Embeddings, claimed: Tensor, /) -> Tensor:
        """As `Fitted.likeness`."""
        scores = torch.full((len(probes),), -torch.inf)
        for who in claimed.unique():
            rows, own = claimed == who, self.identities == who
            if own.any():
                scores[rows] = (probes[rows] @ self.gallery[own].T).amax(1)
        return scores
