"""Training of the adversaries that learn: epochs over shuffled rows, kept after every epoch."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Generator, Tensor, nn

from lowkey_core.errors import NotPossibleError, setting
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Recognition
from lowkey_core.work.learning import CacheKeep, Part, Schedule, cosine, learn
from lowkey_core.work.provenance import arithmetic, fingerprint
from lowkey_core.work.unfinished import mark
from lowkey_core.work.work import Work


@dataclass(frozen=True)
class Recipe:
    """AdamW, its learning rate falling along half a cosine to zero."""

    epochs: int
    batch: int = 32
    rate: float = 1e-3
    weight_decay: float = 1e-4
    warm_up: float = 0.0
    """Share of all steps over which the learning rate rises linearly to `rate`."""


def train(
    network: nn.Module,
    loss: Callable[[Tensor, Generator], Tensor],
    count: int,
    recipe: Recipe,
    *,
    key: str,
    seed: int,
    work: Work,
    label: str,
) -> None:
    """Fit the parameters of `network` that require gradients, in place.

    loss: of a batch, from its row numbers (b,) int64 out of `count` and a generator.
    key: names everything that the result depends on, apart from recipe and seed.
    Resumes after the last finished epoch. Raises: StorageError.
    """
    rows = Epochs(count, recipe.batch, seed)
    steps = recipe.epochs * rows.per_epoch
    schedule = Schedule(
        steps, cosine(recipe.rate, steps, recipe.warm_up), save_every=rows.per_epoch
    )
    name = fingerprint(train, key, recipe, seed, arithmetic())
    keep = CacheKeep(work.cache, name, frozen=work.trying is not None)

    def progress(done: int) -> None:
        if done % rows.per_epoch == 0:
            work.say(label, done // rows.per_epoch, recipe.epochs)

    before = copy.deepcopy(network.state_dict()) if work.trying else None
    start = learn(
        {"network": Part(network, decay=recipe.weight_decay)},
        lambda step: loss(*rows.batch(step)),
        schedule,
        keep,
        progress=progress,
        steps=partial(work.steps, label, key=name),
    )
    if before is not None and start < steps:
        network.load_state_dict(before)  # how many steps a trial takes depends on what came before
        mark(network, name)
    found = start // rows.per_epoch
    work.count(label, "found", found)
    work.count(label, "made", recipe.epochs - found)


def trainable(start: Recognition) -> tuple[Embedding, nn.Module]:
    """A recogniser, and its network, whose weights can be trained. Raises: NotPossibleError."""
    network = start.network if isinstance(start, Embedding) else None
    if not isinstance(network, nn.Module) or start.card.black_box:
        raise NotPossibleError(
            f"{start.card.name} is a black box",
            expected="a recogniser whose weights can be trained",
            remedy=f"name a trainable one first with {setting('recogniser')}",
        )
    assert isinstance(start, Embedding)
    if start.strangers is not None:  # better now than after the training
        raise NotPossibleError(
            f"{start.card.name} would be retrained, and embeddings of strangers were made before",
            expected="strangers of whom there are pictures",
            remedy=f"leave the ready embeddings out of {setting('distractor_dataset')}",
        )
    return start, network


GENTLE = 3e-4
"""The largest learning rate of a network without batch normalisation. Ours, by trial on LFW: with
1e-3 EdgeFace loses nearly all that it knows, and dlib's network too much."""


def gently(recipe: Recipe, network: nn.Module) -> Recipe:
    """For a network without batch normalisation, small steps that rise slowly: the first large ones
    would destroy more than all that follow could mend. Such are transformers, which normalise
    within a picture, and dlib's network, which at inference does not normalise at all."""
    if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in network.modules()):
        return recipe
    return replace(recipe, rate=min(recipe.rate, GENTLE), warm_up=0.2)


class Rows:
    """Rows of a tensor, each made by itself when it is first asked for, and then kept."""

    def __init__(self, make: Callable[[int], Tensor], count: int) -> None:
        self._make, self._known = make, torch.zeros(count, dtype=torch.bool)
        self._values = torch.empty(0)

    def __getitem__(self, rows: Tensor) -> Tensor:
        """rows: (b,) int64. Returns (b, ...)."""
        for row in rows[~self._known[rows]].tolist():
            made = self._make(row)
            if not self._known.any():
                self._values = made.new_empty(len(self._known), *made.shape)
            self._values[row], self._known[row] = made, True
        return self._values[rows]


class Epochs:
    """Batches of shuffled row numbers. Each epoch has a generator of its own, so that training can
    resume at any epoch. most: rows of an epoch, drawn anew for each; None: all of them."""

    def __init__(self, count: int, batch: int, seed: int, most: int | None = None) -> None:
        self.count, self.size, self.seed, self.most = count, batch, seed, most
        self.per_epoch = math.ceil(min(count, most or count) / batch)

    def batch(self, step: int) -> tuple[Tensor, Generator]:
        """Row numbers (b,) int64, and the epoch's generator. Steps must follow each other, from
        the start of an epoch on."""
        epoch, number = divmod(step, self.per_epoch)
        if number == 0:
            self._rng = Generator().manual_seed(self.seed * 10_007 + epoch)
            drawn = torch.randperm(self.count, generator=self._rng)[: self.most]
            self._rows = drawn.split(self.size)
        return self._rows[number], self._rng
