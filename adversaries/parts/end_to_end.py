"""Extractor and classifier trained together on the scraped gallery (the critique, Section 4.1 and
its code FaceCure: softmax over the gallery's identities, identities drawn uniformly, one random
picture of each, mirrored in a quarter of the cases, batches of 32).

FaceCure takes 10 epochs of 500 steps. Ours are fewer, as a training is needed for every gallery:
`rounds` of 16 steps. Ours, too: the logits are cosines times 16, the vector of a class starts at
the mean embedding of its pictures, batch-norm statistics stay as they were, and AdamW's learning
rate falls along half a cosine (FaceCure: a new softmax layer, Adadelta).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from adversaries.parts.classifier import Classifier
from adversaries.parts.training import Recipe, Rows, gently, train
from lowkey_core.errors import NotPossibleError
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Pictures
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.runtime import device_of
from lowkey_core.work.work import Work

STEPS, BATCH = 16, 32
"""Of a round."""
FLIPPED = 0.25
"""Share of pictures that are mirrored."""
ROUNDS, SHARE = 12, 0.5
"""Where an adversary is not told others."""


def recipe(rounds: int) -> Recipe:
    """Of the training on a gallery."""
    return Recipe(rounds, BATCH, rate=3e-4)


@dataclass(frozen=True)
class EndToEnd:
    """All of a classifier is trained: a `Fit`."""

    start: Embedding
    recipe: Recipe
    seed: int
    work: Work

    @property
    def digest(self) -> str:
        """As `Fit.digest`."""
        return fingerprint(type(self), self.recipe, self.seed)

    def __call__(self, classifier: Classifier, pictures: Pictures, classes: Tensor, /) -> None:
        """As `Fit`."""
        template, held = self.start.network.template, classes.bincount()
        order, first = classes.argsort(stable=True), held.cumsum(0) - held
        faces = Rows(lambda row: pictures.items[row].face(template), len(pictures))

        def loss(rows: Tensor, rng: Generator) -> Tensor:
            device = device_of(classifier)
            who = torch.randint(len(held), (len(rows),), generator=rng)
            share = torch.rand(len(rows), generator=rng, dtype=torch.float64)
            drawn = faces[order[first[who] + (share * held[who]).long()]].float().div(255)
            flip = torch.rand(len(rows), generator=rng) < FLIPPED
            drawn = torch.where(flip.view(-1, 1, 1, 1), drawn.flip(-1), drawn).to(device)
            return F.cross_entropy(classifier(drawn), who.to(device))

        train(
            classifier,
            loss,
            STEPS * BATCH,
            gently(self.recipe, classifier.network),
            key=fingerprint(
                *(type(self), self.start.network, str(device_of(classifier)), template),
                *(pictures.digests, classes),
            ),
            seed=self.seed,
            work=self.work,
            label=f"training {self.start.card.name} on the gallery",
        )


@dataclass(frozen=True)
class Copies:
    """Cloaked copies of some of what was scraped."""

    tool: Callable[[Pictures, Generator], Pictures]
    share: float
    """Of the identities with several pictures."""
    seed: int

    def __call__(self, scraped: Pictures, /) -> Pictures:
        """Of the identities that `chosen` names; none if the tool cannot be run on them, as where
        somebody else made the copies."""
        own = scraped.of(chosen(scraped, self.share, self.seed))
        own = own.select(own.found)
        try:
            return self.tool(own, Generator().manual_seed(self.seed)) if len(own) else own
        except NotPossibleError:
            return Pictures(())


def chosen(scraped: Pictures, share: float, seed: int) -> list[int]:
    """Identities of whom copies are cloaked: drawn from those with several pictures, a share of
    them, rounded down. Nobody tells an adversary who cloaks, so nobody is left out; the critique
    leaves out the attacked person. Depends on the labels of what was scraped and the seed alone:
    the same in both arms."""
    identities, pictures = scraped.identities.unique(return_counts=True)
    several = identities[pictures > 1]
    order = torch.randperm(len(several), generator=Generator().manual_seed(seed))
    return sorted(several[order[: int(share * len(several))]].tolist())
