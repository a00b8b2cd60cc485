"""Knows nothing of cloaks: scrapes, enrols, identifies. Time works for it: it may simply wait
for a newer recogniser (the critique, Section 3: arXiv 2106.14851)."""

from __future__ import annotations

from torch import Generator

from adversaries import Enrol, FeatureEnrol, ThreatModel
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.work.work import Work


def build(work: Work) -> Oblivious:
    """work: where embeddings are kept."""
    return Oblivious(work)


class Oblivious:
    """Uses the recogniser as it is."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Enrol:
        """Learns nothing; never calls the cloak."""
        del rng
        return FeatureEnrol(FlipAveraged(threat.embedder), threat.matcher, self.work)
