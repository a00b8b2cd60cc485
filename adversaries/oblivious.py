"""Knows nothing of cloaks: scrapes, enrols, identifies. Time works for it: it may simply wait
for a newer recogniser (the critique, Section 3: arXiv 2106.14851).

`oblivious:e2e` knows nothing of cloaks either, and trains extractor and classifier end to end on
what it scraped (`parts/end_to_end.py`): the critique's baseline for such systems.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge
from torch import Generator

from adversaries import Adversary, AdversaryAbout, Prepared, ThreatModel
from adversaries.parts import end_to_end
from adversaries.parts.classifier import OnGallery
from adversaries.parts.end_to_end import EndToEnd
from adversaries.parts.enrolment import EnrolAll
from adversaries.parts.training import Recipe, trainable
from lowkey_core.errors import OptionError
from lowkey_core.work.work import Work

MEMBERS = ("", "e2e")


def build(member: str, work: Work, rounds: Annotated[int, Ge(0)] | None = None) -> Adversary:
    """member: one of MEMBERS. rounds: of `e2e` alone, of training on the gallery, 16 steps of 32
    pictures each; 12."""
    if member == "e2e":
        recipe = end_to_end.recipe(end_to_end.ROUNDS if rounds is None else rounds)
        return ObliviousEndToEnd(work, recipe)
    if rounds is not None:
        raise OptionError(
            f"oblivious was told rounds={rounds}",
            expected="that of oblivious:e2e alone, which trains on the gallery",
            remedy=f"write oblivious:e2e:rounds={rounds}",
        )
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


class ObliviousEndToEnd:
    """Starts from the recogniser as it is, on every gallery anew."""

    about = AdversaryAbout(
        "Does it survive training end to end?",
        "trained end to end on the gallery",
        uses_tool=False,
        trains_per_gallery=True,
    )

    def __init__(self, work: Work, recipe: Recipe) -> None:
        self.work, self.recipe = work, recipe

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Prepared:
        """Learns nothing yet; never calls the tool. Raises: NotPossibleError if the recogniser has
        no gradients."""
        start, _ = trainable(threat.recognition)
        fit = EndToEnd(start, self.recipe, rng.initial_seed(), self.work)
        return OnGallery(start, fit, self.work)
