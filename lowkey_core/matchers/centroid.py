"""Centroid: an identity's score is the cosine similarity of the mean of its embeddings."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lowkey_core.recognition.candidates import best, merged, stacked
from lowkey_core.types import Candidates, Embeddings

PROBES, COLUMNS = 256, 65_536
"""Probes, and identities, of one block: a table of 256 x 65,536 takes 64 MiB."""


def build() -> type[Centroid]:
    """Takes no options."""
    return Centroid


class Centroid:
    """A unit vector per identity, in ascending order: the direction of its mean embedding."""

    def __init__(self, gallery: Embeddings, identities: Tensor) -> None:
        self.known, column = identities.unique(return_inverse=True)
        sums = gallery.new_zeros(len(self.known), gallery.shape[1])
        self.centroids = F.normalize(sums.index_add(0, column, gallery))

    def search(self, probes: Embeddings, k: int, /) -> Candidates:
        """As `Fitted.search`."""
        k = min(k, len(self.known))
        return stacked((self._search(p, k) for p in probes.split(PROBES)), k)

    def _search(self, probes: Embeddings, k: int) -> Candidates:
        blocks = zip(self.centroids.split(COLUMNS), self.known.split(COLUMNS), strict=True)
        return merged((best(probes @ centroids.T, known, k) for centroids, known in blocks), k)

    def likeness(self, probes: Embeddings, claimed: Tensor, /) -> Tensor:
        """As `Fitted.likeness`."""
        scores = torch.full((len(probes),), -torch.inf)
        place = torch.searchsorted(self.known, claimed.contiguous()).clamp(max=len(self.known) - 1)
        rows = self.known[place] == claimed
        scores[rows] = (probes[rows] * self.centroids[place[rows]]).sum(1)
        return scores
