"""Robust retraining (the critique, Section 4.2): the cloaking tool is public, so the adversary
runs it on pictures of its own and teaches its extractor to see through it.

The extractor learns to give clean and cloaked copies alike the embedding that it used to give
the clean picture (1 - cosine), with a little cross-entropy over the background's identities.

`adaptive:e2e` goes on from there on whatever it scraped: the retrained extractor and a classifier
are trained end to end on the gallery, with cloaked copies of some of it (`parts/end_to_end.py`).
`adaptive@lowkey:steps=10` runs another tool than the audited cloak; `adaptive@"lowkey+tipim"`
several, each on a part of the people (`audit/tools.py`).
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Annotated, cast

import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from torch import Generator, Tensor, nn

from adversaries import Adversary, AdversaryAbout, Prepared, ThreatModel
from adversaries.parts import end_to_end
from adversaries.parts.classifier import OnGallery, class_means
from adversaries.parts.end_to_end import Copies, EndToEnd
from adversaries.parts.enrolment import EnrolAll, facts
from adversaries.parts.training import Recipe, Rows, gently, train, trainable
from lowkey_core import transforms
from lowkey_core.errors import OptionError
from lowkey_core.publish.served import served
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Network
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.runtime import device_of
from lowkey_core.work.work import Work

MEMBERS = ("", "e2e")
_SCALE, _CLASSIFY = 16.0, 0.1  # of the cosine logits; weight of the cross-entropy


def build(
    member: str,
    work: Work,
    epochs: int = 12,
    batch: Annotated[int, Ge(1)] = 10,
    jpeg: Annotated[int, Ge(1), Le(100)] | None = None,
    rounds: Annotated[int, Ge(0)] | None = None,
    share: Annotated[float, Ge(0), Le(1)] | None = None,
) -> Adversary:
    """member: one of MEMBERS. epochs: passes over the background pictures. batch: how many of them
    make a step, each clean and cloaked. Steps are what counts: about as many of 32 take longer, and
    find hardly more (benchmarks/README.md, "Learning in small batches"). jpeg: half of the pictures
    that it learns from are shown re-encoded with this quality; without it, none.

    Of `e2e` alone: rounds: of training on the gallery, 16 steps of 32 pictures each; 12. share: of
    the gallery's identities with several pictures, of whom it makes cloaked copies; 0.5.
    """
    retrained = Adaptive(work, Recipe(epochs, batch), jpeg)
    if member == "e2e":
        return AdaptiveEndToEnd(
            retrained,
            end_to_end.recipe(end_to_end.ROUNDS if rounds is None else rounds),
            end_to_end.SHARE if share is None else share,
        )
    for option, value in (("rounds", rounds), ("share", share)):
        if value is not None:
            raise OptionError(
                f"adaptive was told {option}={value}",
                expected="that of adaptive:e2e alone, which trains on the gallery",
                remedy=f"write adaptive:e2e:{option}={value}",
            )
    return retrained


class Adaptive:
    """Fine-tunes all of the extractor; batch-norm statistics stay as they were."""

    about = AdversaryAbout("Does it survive robust retraining?", "retrained on cloaked pictures")

    def __init__(self, work: Work, recipe: Recipe, jpeg: int | None = None) -> None:
        self.work, self.recipe, self.jpeg = work, recipe, jpeg

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Prepared:
        """Raises: NotPossibleError if the recogniser has no gradients."""
        return EnrolAll(*self.retrained(threat, rng))

    def retrained(self, threat: ThreatModel, rng: Generator) -> tuple[Embedding, dict[str, float]]:
        """The recogniser with its new extractor, and what is said of the learning. Raises as
        `prepare`."""
        start, teacher = trainable(threat.recognition)
        background, copies = threat.background, threat.tool(threat.background, rng)
        shown = [background, copies]
        if self.jpeg is not None:
            name = f"jpeg:{self.jpeg}"
            shown += [served(pictures, name, transforms.load(name)) for pictures in shown]
        template = start.network.template
        both = Rows(
            lambda row: torch.cat([p.faces(template, [row]) for p in shown]), len(background)
        )
        classes = background.identities.unique(return_inverse=True)[1]
        home = start.embed(background)
        student = _Student(teacher, class_means(home, classes).to(device_of(teacher)))

        def loss(rows: Tensor, rng: Generator) -> Tensor:
            device = device_of(student)
            faces = both[rows]
            if self.jpeg is not None:  # (b, 4, ...): both as published, both re-encoded
                again = torch.rand(len(rows), generator=rng) < _RE_ENCODED
                faces = torch.where(again.view(-1, 1, 1, 1, 1), faces[:, 2:], faces[:, :2])
            faces = faces.transpose(0, 1).flatten(0, 1)
            flip = torch.rand(len(faces), generator=rng) < 0.5
            faces = torch.where(flip.view(-1, 1, 1, 1), faces.flip(-1), faces).to(device)
            anchors, labels = home[rows].repeat(2, 1).to(device), classes[rows].repeat(2).to(device)
            embedding: Tensor = student.network(faces)
            logits = _SCALE * embedding @ F.normalize(student.prototypes).T
            away = 1 - (embedding * anchors).sum(1).mean()
            recognise: Tensor = F.cross_entropy(logits, labels)
            return away + _CLASSIFY * recognise

        train(
            student,
            loss,
            len(background),
            gently(self.recipe, teacher),
            key=fingerprint(
                *(type(self), teacher, str(device_of(teacher)), template),
                *(background.digests, copies.digests, classes),
                *([] if self.jpeg is None else [transforms.load(f"jpeg:{self.jpeg}")]),
            ),
            seed=rng.initial_seed(),
            work=self.work,
            label=f"retraining {start.card.name} on cloaked pictures",
        )
        student.network.requires_grad_(False)
        retrained = replace(start, network=cast(Network, student.network))
        return retrained, facts(background, copies, self.work)


_RE_ENCODED = 0.5
"""Share of pictures that are shown re-encoded: ours."""


class AdaptiveEndToEnd:
    """First as `adaptive`, from the same kept training; then end to end on each gallery."""

    about = AdversaryAbout(
        "Does it survive retraining end to end?",
        "retrained on cloaked pictures, and end to end on the gallery",
        trains_per_gallery=True,
    )

    def __init__(self, first: Adaptive, recipe: Recipe, share: float) -> None:
        self.first, self.recipe, self.share = first, recipe, share

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Prepared:
        """Raises: NotPossibleError if the recogniser has no gradients."""
        start, learned = self.first.retrained(threat, rng)
        seed, work = rng.initial_seed(), self.first.work
        fit = EndToEnd(start, self.recipe, seed, work)
        return OnGallery(start, fit, work, Copies(threat.tool, self.share, seed), learned)


class _Student(nn.Module):
    """A trainable copy of the extractor, and a prototype per background identity."""

    def __init__(self, teacher: nn.Module, prototypes: Tensor) -> None:
        super().__init__()
        self.network = copy.deepcopy(teacher).eval().requires_grad_(True)
        self.prototypes = nn.Parameter(prototypes)
