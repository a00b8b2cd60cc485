"""The loop: where it goes, whom it leaves alone, and when it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from lowkey_core.cloaking.loop import EVERY, Gain, Problem, Rows, climb
from lowkey_core.types import Images
from tests.lowkey_core.cloaking.nearer import (
    GOAL,
    NAMES,
    SHAPE,
    START,
    Nearer,
    problem,
    shared,
    uphill,
)


def test_goes_where_a_loop_by_hand_goes() -> None:
    def within(variable: Tensor) -> Tensor:
        return variable.clamp(0.3, 0.7)

    hand = START.clamp(0.3, 0.7)
    for step in range(12):
        hand = (hand + 0.1 / (1 + step) * -2 * (hand - GOAL)).clamp(0.3, 0.7)
    climbed = climb(replace(problem(), within=within), NAMES)
    assert torch.allclose(climbed.variable, hand, atol=1e-6)
    assert not climbed.lost.any()
    assert not climbed.variable.requires_grad


def test_the_picture_is_what_is_shown_of_the_variable() -> None:
    def shown(variable: Tensor, rows: Rows) -> Images:
        return variable[rows] * 2

    hand = START
    for step in range(3):
        hand = hand + 0.1 / (1 + step) * -2 * (2 * hand - GOAL) * 2
    found = climb(replace(problem(steps=3), shown=shown), NAMES).variable
    assert torch.allclose(found, hand, atol=1e-5)


def test_no_steps_give_the_start_within_its_limits() -> None:
    objective = Nearer()
    none = replace(problem(objective, steps=0), within=lambda v: v.clamp(0.4, 0.6))
    assert torch.equal(climb(none, NAMES).variable, START.clamp(0.4, 0.6))
    assert not objective.steps


def reached(*who: int, after: int) -> Callable[[Images, Rows], Tensor]:
    """Some pictures are done, once they were asked about so often."""
    asked = [0]

    def done(images: Images, rows: Rows) -> Tensor:
        assert len(images) == len(rows)
        asked[0] += 1
        return torch.isin(rows, torch.tensor(who)) & (asked[0] > after)

    return done


def test_a_picture_at_its_goal_is_left_alone_and_the_others_go_on() -> None:
    objective = Nearer()
    climbed = climb(replace(problem(objective), reached=reached(1, 3, after=1)), NAMES)
    short, others = climb(problem(steps=EVERY), NAMES).variable, torch.tensor([0, 2, 4])
    assert torch.equal(climbed.variable[[1, 3]], short[[1, 3]])
    assert objective.parts == [[0, 1, 2, 3, 4], [0, 2, 4]]
    assert not climbed.lost.any()
    without = Problem(START[others], 12, Nearer(GOAL[others]), uphill)
    assert torch.equal(climbed.variable[others], climb(without, ("a", "c", "e")).variable)


def test_the_loop_ends_when_all_are_done() -> None:
    objective = Nearer()
    climb(replace(problem(objective), reached=reached(*range(5), after=1)), NAMES)
    assert objective.steps == list(range(EVERY))
    objective = Nearer()
    climb(replace(problem(objective), reached=reached(*range(5), after=0)), NAMES)
    assert objective.steps == [], "done before the first step"


@pytest.mark.parametrize("together", [1, 2, 3, 5])
def test_parts_give_the_gradient_of_the_whole(together: int) -> None:
    """Of pictures by themselves, and of people whose pictures are in several parts."""
    for whole in (problem, shared):
        objective = Nearer()
        parts = climb(replace(whole(objective), together=together), NAMES).variable
        assert torch.allclose(parts, climb(whole(Nearer()), NAMES).variable, atol=1e-6)
        assert max(map(len, objective.parts)) == together
        assert sorted(row for part in objective.parts for row in part) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("together", [None, 2])
def test_several_gains_give_as_many_gradients(together: int | None) -> None:
    seen = []

    def several(rows: Rows) -> Gain:
        return lambda images, step: torch.stack([k * images.sum() for k in (1, 2, 3)])

    def second(variable: Tensor, slope: Tensor, step: int) -> Tensor:
        seen.append(slope)
        return variable + slope[1]

    one = replace(problem(several, steps=1), rule=second, together=together)
    assert torch.allclose(climb(one, NAMES).variable, START + 2)
    ones = torch.ones(5, *SHAPE)
    assert torch.equal(seen[0], torch.stack([ones, 2 * ones, 3 * ones]))
