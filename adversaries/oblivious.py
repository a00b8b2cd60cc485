"""Knows nothing of cloaks: scrapes, enrols, identifies. Time works for it: it may simply wait
for a newer recogniser (the critique, Section 3: arXiv 2106.14851)."""

from __future__ import annotations

from torch import Generator

from adversaries import AdversaryAbout, Prepared, ThreatModel
from adversaries.parts.enrolment import EnrolAll


def build() -> Oblivious:
    """Takes no options."""
    return Oblivious()


class Oblivious:
    """Uses each recogniser as it is."""

    about = AdversaryAbout(
        "Does it survive an adversary who knows of no cloak?", tries="all", uses_tool=False
    )

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Prepared:
        """Learns nothing; never calls the tool."""
        del rng
        return EnrolAll(threat.recognition)
