"""Rank-k identification rates (ISO/IEC 19795), and who was dropped as cloaked."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from adversaries import System
from audit.measures import Searches, rate
from audit.outcomes import DETECTED, Outcome, Rate, rank
from lowkey_core.types import Pictures


def build(ranks: Sequence[int] = (1,)) -> RankK:
    """ranks: the plan's, and those at which adversaries are scored."""
    return RankK(tuple(ranks))


class RankK:
    """Of each person's probes, how many find their person among the k most alike."""

    def __init__(self, ranks: tuple[int, ...]) -> None:
        self.ranks = ranks

    def __call__(
        self, control: System, cloaked: System, searches: Searches, /
    ) -> dict[str, Outcome]:
        """`rank-k` for each k, and `detected`: the adversary dropped a person's every picture."""
        people = searches.scored
        before = self._ranks(control, searches.clean)
        after = self._ranks(cloaked, searches.probes)
        outcomes = {
            rank(k): Outcome(
                control=rate(before <= k, searches.clean.identities, people),
                cloaked=rate(after <= k, searches.probes.identities, people),
            )
            for k in self.ranks
        }
        return {**outcomes, DETECTED: Outcome(cloaked=_all_dropped(cloaked, searches))}

    def _ranks(self, system: System, probes: Pictures) -> Tensor:
        if not len(probes):
            return torch.zeros(0).long()
        return system.gallery.search(probes, max(self.ranks)).ranks(probes.identities)


def _all_dropped(system: System, searches: Searches) -> Rate:
    left = set(system.kept.people)
    had = set(searches.scraped.select(system.flagged).people)
    gone = tuple(int(who in had - left) for who in searches.scored)
    return Rate(hits=gone, trials=(1,) * len(gone))
