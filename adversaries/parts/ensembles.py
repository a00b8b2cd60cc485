"""Two systems that answer as one: each searches its own gallery."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lowkey_core.recognition.candidates import stacked, widened
from lowkey_core.types import Candidates, Gallery, Pictures


@dataclass(frozen=True)
class BothFirst:
    """Each system names its first candidate, and the two are the answer."""

    accurate: Gallery
    robust: Gallery

    def search(self, probes: Pictures, k: int, /) -> Candidates:
        """The accurate system's first candidate, the robust one's if it is another, then the
        accurate one's others in its own order."""
        own = widened(self.accurate.search(probes, k), k)
        return pair_first(own, widened(self.robust.search(probes, 1), 1), k)

    def likeness(self, probes: Pictures, claimed: Tensor, /) -> Tensor:
        """The higher of the two systems' likeness: a claim is accepted if either accepts it."""
        both = (gallery.likeness(probes, claimed) for gallery in (self.accurate, self.robust))
        return torch.maximum(*(scores.float() for scores in both))


def pair_first(accurate: Candidates, robust: Candidates, k: int) -> Candidates:
    """The k first of: accurate system's first, robust one's first, accurate one's others.

    accurate: (p, k). robust: (p, 1). Scores are each system's own, but that they fall: the first
    candidate has the higher of the two systems' first scores, those behind the second at most its.
    """
    scores = torch.cat([accurate.scores[:, :1], robust.scores, accurate.scores[:, 1:]], 1).float()
    known = torch.cat(
        [accurate.identities[:, :1], robust.identities, accurate.identities[:, 1:]], 1
    )
    scores[:, 0] = torch.where(scores[:, 0] > -torch.inf, scores[:, :2].amax(1), -torch.inf)
    named_twice = known == robust.identities
    named_twice[:, 1] = known[:, 0] == known[:, 1]
    named_twice[:, 0] = False
    scores = scores.masked_fill(named_twice, -torch.inf)
    known = known.masked_fill(scores == -torch.inf, -1)
    order = (scores == -torch.inf).int().argsort(dim=1, stable=True)[:, :k]
    return Candidates(scores.gather(1, order).cummin(1).values, known.gather(1, order))


@dataclass(frozen=True)
class NearFirst:
    """The accurate system answers where something is near, else the robust one."""

    accurate: Gallery
    robust: Gallery
    nearest: Gallery
    """The accurate recogniser's, by 1-NN: how far the nearest picture is."""
    threshold: float
    """The score from which on it is near."""

    def search(self, probes: Pictures, k: int, /) -> Candidates:
        """Each probe is answered by one of the two systems, with that one's scores."""
        if not len(probes):
            return stacked([], k)
        near = widened(self.nearest.search(probes, 1), 1).scores[:, :1] >= self.threshold
        own, other = (
            widened(gallery.search(probes, k), k) for gallery in (self.accurate, self.robust)
        )
        return Candidates(
            torch.where(near, own.scores.float(), other.scores.float()),
            torch.where(near, own.identities, other.identities),
        )

    def likeness(self, probes: Pictures, claimed: Tensor, /) -> Tensor:
        """The accurate system's where the nearest picture of the claimed person is near, else the
        robust one's."""
        near = self.nearest.likeness(probes, claimed) >= self.threshold
        own, other = (g.likeness(probes, claimed).float() for g in (self.accurate, self.robust))
        return torch.where(near, own, other)
