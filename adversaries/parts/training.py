"""The training loop of every adversary that learns: resumable after any epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work


@dataclass(frozen=True)
class Recipe:
    """AdamW with a cosine to zero."""

    epochs: int
    batch: int = 32
    rate: float = 1e-3
    weight_decay: float = 1e-4
    warm_up: float = 0.0
    """Share of the steps over which the rate rises to its full height."""


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
    key: names everything the result depends on but recipe and seed.
    Work is kept after every epoch; an interrupted training goes on where it stopped, and ends
    with the same weights as an uninterrupted one.
    """
    optimiser = torch.optim.AdamW(
        [p for p in network.parameters() if p.requires_grad],
        lr=recipe.rate,
        weight_decay=recipe.weight_decay,
    )
    keys = [fingerprint("epoch", key, recipe, seed, epoch) for epoch in range(recipe.epochs)]
    start = 0
    for epoch in reversed(range(recipe.epochs)):
        if (record := work.cache.get(keys[epoch])) is not None:
            _restore(record, network, optimiser)
            start = epoch + 1
            break
    work.count(label, "found", start)
    work.count(label, "made", recipe.epochs - start)
    per_epoch = math.ceil(count / recipe.batch)
    for epoch in range(start, recipe.epochs):
        work.show(label, epoch, recipe.epochs)
        rng = Generator().manual_seed(seed * 10_007 + epoch)
        for step, rows in enumerate(torch.randperm(count, generator=rng).split(recipe.batch)):
            progress = (epoch * per_epoch + step) / (recipe.epochs * per_epoch)
            risen = min(1.0, progress / recipe.warm_up) if recipe.warm_up else 1.0
            for group in optimiser.param_groups:
                group["lr"] = risen * recipe.rate * (1 + math.cos(math.pi * progress)) / 2
            optimiser.zero_grad()
            loss(rows, rng).backward()
            optimiser.step()
        work.cache.put(keys[epoch], _snapshot(network, optimiser))
        if epoch:
            work.cache.forget(keys[epoch - 1])
    work.show(label, recipe.epochs, recipe.epochs)


def _snapshot(network: nn.Module, optimiser: torch.optim.Optimizer) -> Record:
    record = {f"network/{name}": tensor for name, tensor in network.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        record.update({f"optimiser/{index}/{name}": value for name, value in state.items()})
    return record


def _restore(record: Record, network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    weights = {k.removeprefix("network/"): v for k, v in record.items() if k.startswith("network/")}
    network.load_state_dict(weights, strict=True)
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in record.items():
        if name.startswith("optimiser/"):
            _, index, field = name.split("/")
            state.setdefault(int(index), {})[field] = value
    optimiser.load_state_dict(
        {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
    )
