"""Training of the adversaries that learn: epochs over shuffled rows, kept after every epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Generator, Tensor, nn

from lowkey_core.work.learning import CacheKeep, Part, Schedule, cosine, learn
from lowkey_core.work.provenance import arithmetic, fingerprint
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
    rows = _Epochs(count, recipe.batch, seed)
    steps = recipe.epochs * rows.per_epoch
    schedule = Schedule(
        steps, cosine(recipe.rate, steps, recipe.warm_up), save_every=rows.per_epoch
    )
    name = fingerprint(train, key, recipe, seed, arithmetic())
    keep = CacheKeep(work.cache, name, frozen=work.trying)

    def progress(done: int) -> None:
        if done % rows.per_epoch == 0:
            work.say(label, done // rows.per_epoch, recipe.epochs)

    start = learn(
        {"network": Part(network, decay=recipe.weight_decay)},
        lambda step: loss(*rows.batch(step)),
        schedule,
        keep,
        progress=progress,
        steps=partial(work.steps, label, key=name),
    )
    found = start // rows.per_epoch
    work.count(label, "found", found)
    work.count(label, "made", recipe.epochs - found)


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


class _Epochs:
    """Batches of shuffled row numbers. Each epoch has a generator of its own, so that training can
    resume at any epoch."""

    def __init__(self, count: int, batch: int, seed: int) -> None:
        self.count, self.size, self.seed = count, batch, seed
        self.per_epoch = math.ceil(count / batch)

    def batch(self, step: int) -> tuple[Tensor, Generator]:
        """Row numbers (b,) int64, and the epoch's generator. Steps must follow each other, from
        the start of an epoch on."""
        epoch, number = divmod(step, self.per_epoch)
        if number == 0:
            self._rng = Generator().manual_seed(self.seed * 10_007 + epoch)
            self._rows = torch.randperm(self.count, generator=self._rng).split(self.size)
        return self._rows[number], self._rng
