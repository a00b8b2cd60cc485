"""Verification, 1:1: does a picture match the person that it claims to be?

FNMR at a stated FMR (ISO/IEC 19795-1). FMR is the share of impostor comparisons that match, FNMR
the share of genuine ones that do not.
"""

from __future__ import annotations

from math import ceil
from typing import Annotated

import torch
from annotated_types import Gt, Lt
from torch import Tensor

from adversaries import System
from audit.measures import Searches, rate
from audit.outcomes import Outcome, Rate, verified_at
from audit.thresholds import at_share, percent
from lowkey_core.types import Pictures

PAIRS = 100_000
"""Impostor comparisons, about, where there are more (ours); at least FALSE_MATCHES / FMR."""
FALSE_MATCHES = 30
"""To know an error rate within 30%, at 90% confidence: the rule of 30 (ISO/IEC 19795-1)."""
TOGETHER = 4096
"""Comparisons of one call: a classifier's table of them against everybody stays small."""


def build(fmr: Annotated[float, Gt(0), Lt(1)] = 0.001) -> Verification:
    """fmr: share of impostor comparisons that may match."""
    return Verification(fmr)


class Verification:
    """Thresholds are set on the calibration people: each of their clean pictures claims to be
    enrolled people, evenly chosen among all where there would be more than PAIRS comparisons. Each
    arm has its own, as for open sets: who runs a system sets it on what it enrolled."""

    def __init__(self, fmr: float) -> None:
        self.fmr = fmr
        self._last: tuple[System, Pictures, Tensor] | None = None

    def __call__(
        self, control: System, cloaked: System, searches: Searches, /
    ) -> dict[str, Outcome]:
        """`verified at 0.1% FMR`: of each scored person's probes, those that match when they claim
        to be their person; 1 - FNMR, in both arms.

        Raises: NotPossibleError with fewer impostor comparisons than 1 / FMR, or where a service
        refuses to compare with one entry.
        """
        last, calibration = self._last, searches.calibration
        if last is None or last[0] is not control or last[1] is not calibration:
            last = control, calibration, self._threshold(control, calibration)
            self._last = last  # the control is the same in every trial
        before, after = last[2], self._threshold(cloaked, calibration)
        return {
            verified_at(percent(self.fmr)): Outcome(
                control=_matched(control, searches.clean, before, searches.scored),
                cloaked=_matched(cloaked, searches.probes, after, searches.scored),
            )
        }

    def _threshold(self, system: System, calibration: Pictures) -> Tensor:
        return at_share(self.impostors(system, calibration), self.fmr, "comparisons")

    def impostors(self, system: System, calibration: Pictures) -> Tensor:
        """(n,): likeness of calibration pictures to enrolled people; what cannot be compared, as
        no face of theirs was indexed, is left out."""
        count, enrolled = len(calibration), system.kept.people
        if not count or not enrolled:
            return torch.zeros(0)
        wanted = ceil(max(PAIRS, FALSE_MATCHES / self.fmr) / count)
        claims = min(len(enrolled), wanted)
        claimed = torch.tensor([enrolled[i * len(enrolled) // claims] for i in range(claims)])
        scores = []
        for some in claimed.split(max(1, TOGETHER // count)):
            pictures = calibration.select(torch.arange(count).repeat(len(some)))
            scores.append(system.gallery.likeness(pictures, some.repeat_interleave(count)))
        compared = torch.cat(scores)
        return compared[compared > -torch.inf]


def _matched(system: System, probes: Pictures, threshold: Tensor, people: tuple[int, ...]) -> Rate:
    hits = system.gallery.likeness(probes, probes.identities) >= threshold
    return rate(hits, probes.identities, people)
