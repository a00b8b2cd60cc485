"""k-NN: each of the k pictures nearest to a probe, by cosine, votes for whom it shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Tensor

from lowkey_core.recognition.blocks import blocks
from lowkey_core.recognition.candidates import best, merged, stacked
from lowkey_core.types import Candidates, Embeddings

PROBES, COLUMNS = 256, 65_536
"""Probes, and gallery pictures, of one block: a table of 256 x 65,536 takes 64 MiB."""
_ROUNDING = 1e-6
"""Pictures that are as near as the k-th nearest, to within it, vote too: so the order of a gallery
decides nothing."""


def build(k: Annotated[int, Ge(1), Le(1000)] = 5) -> Callable[[Embeddings, Tensor], Vote]:
    """k: how many pictures vote; 5 is scikit-learn's."""
    return partial(Vote, k=k)


class Vote:
    """A gallery's embeddings, pictures of one identity side by side.

    A score is the number of votes, plus (1 + cosine) / 4 of the most similar picture: that is below
    1, so it only decides between equally many votes (ours; scikit-learn takes the lower identity),
    and ranks those without any.
    """

    def __init__(self, gallery: Embeddings, identities: Tensor, k: int) -> None:
        order = identities.argsort(stable=True)
        self.gallery, self.identities, self.k = gallery[order], identities[order], k

    def search(self, probes: Embeddings, k: int, /) -> Candidates:
        """As `Fitted.search`."""
        known = len(self.identities.unique())
        return stacked((self._search(p, k) for p in probes.split(PROBES)), min(k, known))

    def _search(self, probes: Embeddings, k: int) -> Candidates:
        bar = self._bar(probes)
        parts = blocks(self.identities, COLUMNS)
        return merged((best(*self._scores(probes, bar, *part), k) for part in parts), k)

    def likeness(self, probes: Embeddings, claimed: Tensor, /) -> Tensor:
        """As `Fitted.likeness`."""
        scores = torch.full((len(probes),), -torch.inf)
        if not len(self.identities):
            return scores
        bar = torch.cat([self._bar(p) for p in probes.split(PROBES)]) if len(probes) else None
        for who in claimed.unique():
            rows, own = claimed == who, self.identities == who
            if bar is not None and own.any():
                near = probes[rows] @ self.gallery[own].T
                scores[rows] = _score((near >= bar[rows]).sum(1), near.amax(1))
        return scores

    def _bar(self, probes: Embeddings) -> Tensor:
        """(p, 1): how similar a picture must be to vote."""
        nearest = probes.new_full((len(probes), 0), 0)
        for start in range(0, len(self.gallery), COLUMNS):
            similarity = probes @ self.gallery[start : start + COLUMNS].T
            nearest = torch.cat([nearest, similarity], 1)
            nearest = nearest.topk(min(self.k, nearest.shape[1])).values
        return nearest[:, -1:] - _ROUNDING

    def _scores(
        self, probes: Embeddings, bar: Tensor, start: int, end: int
    ) -> tuple[Tensor, Tensor]:
        """(p, c) scores of the identities in a slice of the gallery, and who they are, (c,)."""
        known, column = self.identities[start:end].unique(return_inverse=True)
        near = probes @ self.gallery[start:end].T
        closest = near.new_full((len(probes), len(known)), -torch.inf)
        closest.scatter_reduce_(1, column.expand_as(near), near, "amax")
        votes = torch.zeros_like(closest).index_add_(1, column, (near >= bar).to(near.dtype))
        return _score(votes, closest), known


def _score(votes: Tensor, closest: Tensor) -> Tensor:
    return votes + (1 + closest) / 4
