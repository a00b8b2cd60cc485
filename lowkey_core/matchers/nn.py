"""1-NN: an identity's score is the cosine similarity of its most similar picture."""

from __future__ import annotations

import torch
from torch import Tensor

from lowkey_core.recognition.blocks import blocks
from lowkey_core.recognition.candidates import best, merged, stacked
from lowkey_core.types import Candidates, Embeddings

PROBES, COLUMNS = 256, 65_536
"""Probes, and gallery pictures, of one block: a table of 256 x 65,536 takes 64 MiB."""


def build() -> type[NearestNeighbour]:
    """Takes no options."""
    return NearestNeighbour


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
            parts.append(best(scores, known, k))
        return merged(parts, k)

    def likeness(self, probes: Embeddings, claimed: Tensor, /) -> Tensor:
        """As `Fitted.likeness`."""
        scores = torch.full((len(probes),), -torch.inf)
        for who in claimed.unique():
            rows, own = claimed == who, self.identities == who
            if own.any():
                scores[rows] = (probes[rows] @ self.gallery[own].T).amax(1)
        return scores
