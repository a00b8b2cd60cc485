"""The loop: numbers that are not finite cost their picture, or person, and nobody else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from lowkey_core.cloaking.loop import Gain, Rows, climb, nan_where_lost
from lowkey_core.cloaking.rules import by_momentum, by_sign
from lowkey_core.types import Images
from tests.lowkey_core.cloaking.nearer import (
    NAMES,
    START,
    Nearer,
    problem,
    shared,
    uphill,
)


class Breaking(Nearer):
    """One picture's gain is NaN from a step on."""

    def __init__(self, row: int, at: int) -> None:
        super().__init__()
        self.row, self.at = row, at

    def __call__(self, rows: Rows) -> Gain:
        whole = super().__call__(rows)

        def gain(images: Images, step: int) -> Tensor:
            bad = torch.where((rows == self.row) & (step >= self.at), torch.nan, 0.0)
            return whole(images, step) + (images.flatten(1).sum(1) * bad).sum()

        return gain


@pytest.mark.parametrize("rule", ["uphill", "by_sign", "by_momentum"])
def test_a_picture_whose_numbers_are_not_finite_stays_as_it_was(
    rule: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The others go on as if it were not there. A rule that remembers NaN costs nothing more."""

    def fresh() -> Callable[[Tensor, Tensor, int], Tensor]:
        made = {"by_sign": by_sign(0.01), "by_momentum": by_momentum(0.01, 0.9)}
        return made.get(rule, uphill)

    objective = Breaking(1, at=2)
    with caplog.at_level(logging.WARNING):
        climbed = climb(replace(problem(objective), rule=fresh()), NAMES)
    assert climbed.lost.tolist() == [False, True, False, False, False]
    assert caplog.messages == ["b: the numbers were not finite at step 3"]
    before = climb(replace(problem(steps=2), rule=fresh()), NAMES).variable
    assert torch.equal(climbed.variable[1], before[1])
    kept = ~climbed.lost
    without = climb(replace(problem(), rule=fresh()), NAMES).variable
    assert torch.equal(climbed.variable[kept], without[kept])
    assert objective.parts == [[0, 1, 2, 3, 4]], "made once"


def test_a_rule_that_gives_no_number_loses_its_picture_too() -> None:
    def rule(variable: Tensor, slope: Tensor, step: int) -> Tensor:
        moved = uphill(variable, slope, step)
        moved[4, 0, 0, 0] = torch.inf
        return moved

    climbed = climb(replace(problem(), rule=rule), NAMES)
    assert climbed.lost.tolist() == [False] * 4 + [True]
    assert torch.equal(climbed.variable[4], START[4])


def test_a_person_is_lost_with_a_picture_and_other_people_are_not() -> None:
    climbed = climb(shared(Breaking(2, at=3)), NAMES)
    assert climbed.lost.tolist() == [True, False, True, False, False]
    assert torch.equal(climbed.variable[1], climb(shared(Nearer()), NAMES).variable[1])


def test_a_lost_picture_is_shown_as_nan() -> None:
    nobody, second = torch.zeros(5).bool(), torch.arange(5) == 1
    assert torch.equal(nan_where_lost(START, nobody), START)
    shown = nan_where_lost(START, second)
    assert shown[1].isnan().all()
    assert torch.equal(shown[~second], START[~second])
