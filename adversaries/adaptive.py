"""Robust retraining (the critique, Section 4.2): the cloaking tool is public, so the adversary
runs it on pictures of its own and teaches its extractor to see through it.

The extractor learns to give clean and cloaked copies alike the embedding that it used to give
the clean picture (1 - cosine), with a little cross-entropy over the background's identities.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Generator, Tensor, nn

from adversaries import AdversaryAbout, Prepared, ThreatModel
from adversaries.parts.enrolment import EnrolAll, facts
from adversaries.parts.training import Recipe, Rows, train
from lowkey_core.errors import NotPossibleError, setting
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.runtime import device_of
from lowkey_core.work.work import Work

_SCALE, _CLASSIFY = 16.0, 0.1  # of the cosine logits; weight of the cross-entropy


def build(work: Work, epochs: int = 12, batch: Annotated[int, Ge(1)] = 10) -> Adaptive:
    """epochs: passes over the background pictures. batch: how many of them make a step, each clean
    and cloaked. Steps are what counts: about as many of 32 take longer, and find hardly more
    (benchmarks/README.md, "Learning in small batches")."""
    return Adaptive(work, Recipe(epochs, batch))


class Adaptive:
    """Fine-tunes all of the extractor; batch-norm statistics stay as they were."""

    about = AdversaryAbout("Does it survive robust retraining?", "retrained on cloaked pictures")

    def __init__(self, work: Work, recipe: Recipe) -> None:
        self.work, self.recipe = work, recipe

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Prepared:
        """Raises: NotPossibleError if the recogniser has no gradients."""
        start = threat.recognition
        teacher = start.network if isinstance(start, Embedding) else None
        if not isinstance(teacher, nn.Module) or start.card.black_box:
            raise NotPossibleError(
                f"{start.card.name} is a black box",
                expected="a recogniser whose weights can be trained",
                remedy=f"name a trainable one first with {setting('recogniser')}",
            )
        assert isinstance(start, Embedding)
        background, copies = threat.background, threat.tool(threat.background, rng)
        template = start.network.template
        both = Rows(
            lambda row: torch.cat([p.faces(template, [row]) for p in (background, copies)]),
            len(background),
        )
        classes = background.identities.unique(return_inverse=True)[1]
        home = start.embed(background)
        means = torch.zeros(int(classes.max()) + 1, home.shape[1]).index_add(0, classes, home)
        student = _Student(teacher, F.normalize(means).to(device_of(teacher)))

        def loss(rows: Tensor, rng: Generator) -> Tensor:
            device = device_of(student)
            faces = both[rows].transpose(0, 1).flatten(0, 1)
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
            _gently(self.recipe, teacher),
            key=fingerprint(
                *(type(self), teacher, str(device_of(teacher)), template),
                *(background.digests, copies.digests, classes),
            ),
            seed=rng.initial_seed(),
            work=self.work,
            label=f"retraining {start.card.name} on cloaked pictures",
        )
        student.network.requires_grad_(False)
        retrained = replace(start, network=student.network)
        return EnrolAll(retrained, facts(background, copies, self.work))


_NORMALISED = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)


def _gently(recipe: Recipe, network: nn.Module) -> Recipe:
    """For a network without normalisation, as dlib's is at inference, steps that rise slowly: the
    first large ones would destroy more than all that follow could mend."""
    if any(isinstance(module, _NORMALISED) for module in network.modules()):
        return recipe
    return replace(recipe, rate=0.6 * recipe.rate, warm_up=0.2)


class _Student(nn.Module):
    """A trainable copy of the extractor, and a prototype per background identity."""

    def __init__(self, teacher: nn.Module, prototypes: Tensor) -> None:
        super().__init__()
        self.network = copy.deepcopy(teacher).eval().requires_grad_(True)
        self.prototypes = nn.Parameter(prototypes)
