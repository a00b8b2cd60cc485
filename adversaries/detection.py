"""Flags cloaked pictures before enrolling (the critique, Section 4.4).

Every detector learns from pictures of 25 background identities; the threshold, from which a picture
is flagged, is set on clean pictures of others. The detectors are in `adversaries/parts/detectors/`.
What is flagged is dropped, purified, or kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Generator, Tensor

from adversaries import AdversaryAbout, Prepared, System, ThreatModel
from adversaries.parts import purifiers
from adversaries.parts.detectors import Detector, Look
from adversaries.parts.detectors.activation import Activation
from adversaries.parts.detectors.autoencoder import Reconstruction
from adversaries.parts.detectors.classifier import Classifier
from adversaries.parts.detectors.imagenet import ImageNet
from adversaries.parts.detectors.lesson import Lesson
from adversaries.parts.detectors.reverse import Reversal
from adversaries.parts.detectors.spectral import Spectral
from adversaries.parts.enrolment import facts
from adversaries.parts.purifiers import Method, Purifier, Ready
from adversaries.parts.training import Recipe
from lowkey_core import transforms
from lowkey_core.errors import NotPossibleError, OptionError, setting
from lowkey_core.publish.served import served
from lowkey_core.types import Pictures, Recognition
from lowkey_core.work.work import Work

DETECTORS: dict[str, type[Detector]] = {
    "classifier": Classifier,
    "imagenet": ImageNet,
    "autoencoder": Reconstruction,
    "reverse": Reversal,
    "spectral": Spectral,
    "activation": Activation,
}
MEMBERS = tuple(DETECTORS)

FOLLOWS = {"drop": "dropped", "keep": "kept"}
"""What becomes of flagged pictures, but of those that are purified."""
IDENTITIES = 25
"""Background identities the detector learns from, as in the critique; of a small background
three quarters, as the threshold needs the rest."""
CALIBRATION = ("none", "jpeg:75", "jpeg:30")
FALSE_ALARMS = 0.06
"""Share of clean pictures flagged where the threshold is set, over these versions together."""


def build(
    member: str,
    work: Work,
    device: torch.device | None = None,
    epochs: int = 12,
    batch: Annotated[int, Ge(1)] | None = None,
    flagged: Literal["drop", "purify", "keep"] = "drop",
    purifier: Literal["learned", "squeeze", "jpeg", "resize", "nlmeans"] | None = None,
    unseen: bool = False,
    stated: Collection[str] = (),
) -> Detection:
    """epochs: of training; each detector makes its own number of passes of them. batch: how many
    pictures make a step, 16 if not given. flagged: whether pictures judged cloaked are left out of
    the gallery, purified before they are enrolled, or only counted. purifier: by which method of
    `purification`; if not given, `learned` for a member that runs the tool, else `jpeg`. unseen: it
    also faces the cloaks that it did not learn about.

    Raises: OptionError for an option that means nothing to the member, or to what follows a flag.
    """
    detector = DETECTORS[member]()
    by = purifier or ("learned" if detector.uses_tool else "jpeg")
    restores = flagged == "purify" and by == "learned"
    for option, idle, why in (
        ("epochs", "epochs" in stated and not (detector.trains or restores), "it trains nothing"),
        ("batch", batch is not None and not detector.trains, "it trains nothing"),
        ("unseen", unseen and not detector.uses_tool, "it learns about no cloak: all are unseen"),
        ("purifier", purifier is not None and flagged != "purify", f"it is to {flagged} pictures"),
    ):
        if idle:
            raise OptionError(
                f"detection:{member} was given {option}",
                expected=f"no {option}, as {why}",
                remedy=f"leave out {option}",
            )
    device = device or torch.device("cpu")
    purify = purifiers.method(by, {}, work, device, epochs) if flagged == "purify" else None
    recipe = detector.recipe(epochs, batch or 16)
    return Detection(work, recipe, flagged, device, detector=detector, purify=purify, unseen=unseen)


class Detection:
    """Learns what the cloak's traces look like."""

    def __init__(
        self,
        work: Work,
        recipe: Recipe,
        flagged: Literal["drop", "purify", "keep"],
        device: torch.device = torch.device("cpu"),
        *,
        detector: Detector | None = None,
        purify: Method | None = None,
        unseen: bool = False,
    ) -> None:
        self.work, self.recipe, self.flagged, self.device = work, recipe, flagged, device
        self.detector: Detector = Classifier() if detector is None else detector
        self.purify = purify
        done = f"purified by {purify.said}" if purify else FOLLOWS[flagged]
        self.about = AdversaryAbout(
            self.detector.question,
            f"after flagged pictures were {done}",
            uses_tool=self.detector.uses_tool or bool(purify and purify.uses_tool),
            faces="all" if unseen else "own",
            cards=self.detector.cards,
        )

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Prepared:
        """The detector learns; its threshold is set on identities it has not seen.

        Raises: NotPossibleError with fewer than two background identities, or as the detector's.
        """
        background, seed = threat.background, rng.initial_seed()
        known = background.identities.unique()
        if len(known) < 2:
            raise NotPossibleError(
                f"the background has {len(known)} identity",
                expected="at least 2: some to learn from, others to set the threshold on",
                remedy=f"raise {setting('background')}",
            )
        seen = torch.isin(background.identities, known[: min(IDENTITIES, 3 * len(known) // 4)])
        own = background.select(seen.nonzero().flatten())
        others = background.select((~seen).nonzero().flatten())
        if not self.detector.trains:
            own = others = background
        copies = threat.tool(own, rng) if self.detector.uses_tool else None
        look = self.detector.learn(
            Lesson(threat.recognition, own, copies, self.recipe, seed, self.device, self.work)
        )
        ready = self.purify.ready(threat, rng) if self.purify else Ready(unchanged)
        return Detecting(
            threat.recognition,
            look,
            _threshold(look, others),
            None if self.flagged == "drop" else ready.purify,
            {**ready.learned, **facts(own, copies, self.work)},
        )


def unchanged(pictures: Pictures) -> Pictures:
    """A `Purifier` that changes nothing."""
    return pictures


def _threshold(look: Look, clean: Pictures) -> float:
    """The score that FALSE_ALARMS of these clean pictures exceed, whatever became of them."""
    versions = [served(clean, v, transforms.load(v)) for v in CALIBRATION]
    return torch.cat([look(v) for v in versions]).quantile(1 - FALSE_ALARMS).item()


@dataclass(frozen=True)
class Detecting:
    """Looks at every scraped picture before enrolling it."""

    recognition: Recognition
    look: Look
    threshold: float
    purify: Purifier | None
    """What becomes of flagged pictures before they are enrolled; None: they are dropped."""
    learned: Mapping[str, float]

    def suspicion(self, pictures: Pictures) -> Tensor:
        """(n,): how cloaked each picture looks, above 0 if it is judged cloaked."""
        return self.look(pictures) - self.threshold

    def __call__(self, scraped: Pictures, /) -> System:
        """Drops or purifies what it flags."""
        suspicion, own = self.suspicion(scraped), self.recognition
        flagged = suspicion > 0
        if self.purify is None:
            kept = scraped.select(~flagged)
            return System(own.enrol(kept), kept, flagged, suspicion, own)
        purified = iter(self.purify(scraped.select(flagged)).items)
        pairs = zip(scraped.items, flagged.tolist(), strict=True)
        enrolled = Pictures(tuple(next(purified) if flag else item for item, flag in pairs))
        return System(own.enrol(enrolled), enrolled, flagged, suspicion, own)
