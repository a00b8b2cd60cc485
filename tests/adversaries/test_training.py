"""Training of adversaries: bit for bit the arithmetic that is written out here."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor, nn

from adversaries.parts.training import GENTLE, Recipe, Rows, gently, train
from lowkey_core.work.cache import Cache
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work

COUNT, SEED = 22, 5
X = torch.randn(COUNT, 6, generator=Generator().manual_seed(0))


class Small(nn.Module):
    """With batch norm, and a parameter that is not trained."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 2)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=Generator().manual_seed(2))
        self.last.bias.requires_grad_(False)

    def loss(self, rows: Tensor, rng: Generator) -> Tensor:
        noise = torch.randn(len(rows), 6, generator=rng)
        value: Tensor = (self.answer(X[rows] + noise) ** 2).mean()
        return value

    def answer(self, rows: Tensor) -> Tensor:
        answer: Tensor = self.last(self.norm(self.first(rows)).tanh())
        return answer


def by_hand(recipe: Recipe) -> dict[str, Tensor]:
    """AdamW, a generator per epoch, a learning rate per step."""
    network = Small()
    optimiser = torch.optim.AdamW(
        [p for p in network.parameters() if p.requires_grad],
        lr=recipe.rate,
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    per_epoch = math.ceil(COUNT / recipe.batch)
    for epoch in range(recipe.epochs):
        rng = Generator().manual_seed(SEED * 10_007 + epoch)
        for step, rows in enumerate(torch.randperm(COUNT, generator=rng).split(recipe.batch)):
            progress = (epoch * per_epoch + step) / (recipe.epochs * per_epoch)
            risen = min(1.0, progress / recipe.warm_up) if recipe.warm_up else 1.0
            for group in optimiser.param_groups:
                group["lr"] = risen * recipe.rate * (1 + math.cos(math.pi * progress)) / 2
            optimiser.zero_grad()
            network.loss(rows, rng).backward()
            optimiser.step()
    return network.state_dict()


def trained(recipe: Recipe, work: Work) -> dict[str, Tensor]:
    return taught(recipe, work).state_dict()


def taught(recipe: Recipe, work: Work) -> Small:
    network = Small()
    train(network, network.loss, COUNT, recipe, key="k", seed=SEED, work=work, label="learning")
    return network


class StopHereError(Exception):
    """Stands for a kill at this moment."""


class Cut(Cache):
    """Stops the training after so many saved epochs."""

    def __init__(self, root: Path, after: int) -> None:
        super().__init__(root)
        self.left = after

    def put(self, key: str, record: Record) -> None:
        super().put(key, record)
        self.left -= 1
        if not self.left:
            raise StopHereError


RECIPES = [
    Recipe(4, batch=8),
    Recipe(3, batch=5, rate=3e-3, weight_decay=0.1, warm_up=0.2),
    Recipe(1, batch=64),
    Recipe(0),
]


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_the_weights_are_those_of_the_arithmetic_above(recipe: Recipe) -> None:
    expected, ours = by_hand(recipe), trained(recipe, Work())
    assert all(torch.equal(ours[name], tensor) for name, tensor in expected.items())


@pytest.mark.parametrize("after", [1, 2])
@pytest.mark.parametrize("recipe", RECIPES[:2], ids=str)
def test_also_when_it_was_interrupted(recipe: Recipe, after: int, tmp_path: Path) -> None:
    with pytest.raises(StopHereError):
        trained(recipe, Work(Cut(tmp_path, after)))
    shown: list[tuple[str, int, int]] = []
    work = Work(Cache(tmp_path), lambda *said: shown.append(said))
    expected, ours = by_hand(recipe), trained(recipe, work)
    assert all(torch.equal(ours[name], tensor) for name, tensor in expected.items())
    epochs = recipe.epochs
    assert shown == [("learning", done, epochs) for done in range(after, epochs + 1)]
    assert work.tally == {("learning", "found"): after, ("learning", "made"): epochs - after}


def test_another_recipe_key_or_seed_is_another_training(tmp_path: Path) -> None:
    one = trained(RECIPES[0], Work(Cache(tmp_path)))
    other = trained(RECIPES[1], Work(Cache(tmp_path)))
    assert not torch.equal(one["first.weight"], other["first.weight"])
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2


def test_rows_are_made_one_by_one_when_they_are_asked_for_and_once() -> None:
    made: list[int] = []

    def make(row: int) -> Tensor:
        made.append(row)
        return torch.full((2, 3), float(row))

    rows = Rows(make, 5)
    assert rows[torch.tensor([3, 1])].tolist() == [[[3.0] * 3] * 2, [[1.0] * 3] * 2]
    assert rows[torch.tensor([1, 4, 3])][:, 0, 0].tolist() == [1, 4, 3]
    assert made == [3, 1, 4]


def test_a_trial_of_a_training_keeps_nothing(tmp_path: Path) -> None:
    recipe, work = Recipe(3, batch=COUNT), Work(Cache(tmp_path))
    with work.trial() as forecast:
        trained(recipe, work)
    assert forecast.pieces == {"learning": 3}
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    expected = by_hand(recipe)
    assert all(torch.equal(value, expected[name]) for name, value in trained(recipe, work).items())


def test_what_is_made_with_networks_that_learned_otherwise_is_foretold_for_each(
    tmp_path: Path,
) -> None:
    """A trial leaves most steps out, and of a second training like the first all."""
    work, finished = Work(Cache(tmp_path)), Recipe(3, rate=0.01)

    def used(recipe: Recipe) -> None:
        network = taught(recipe, work).eval()
        with torch.no_grad():
            work.per_item("using", network.answer, ["a", "b"], lambda rows: X[rows])

    used(finished)
    kept = {path for path in tmp_path.rglob("*") if path.is_file()}
    with work.trial() as foretold:
        for recipe in (finished, Recipe(4), Recipe(5), Recipe(4)):
            used(recipe)
    assert (foretold.pieces["using"], foretold.kept["using"]) == (2, 0)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == kept


@pytest.mark.parametrize("norm", [nn.LayerNorm(6), nn.GroupNorm(2, 6), nn.Identity()], ids=repr)
def test_what_has_no_batch_norm_learns_in_small_steps_that_rise_slowly(norm: nn.Module) -> None:
    network = nn.Sequential(nn.Linear(6, 6), norm)
    assert gently(Recipe(4, rate=1e-3), network) == Recipe(4, rate=GENTLE, warm_up=0.2)
    assert gently(Recipe(4, rate=GENTLE / 2), network).rate == GENTLE / 2
    recipe = Recipe(4, rate=1e-3)
    assert gently(recipe, nn.Sequential(network, nn.BatchNorm1d(6))) == recipe
