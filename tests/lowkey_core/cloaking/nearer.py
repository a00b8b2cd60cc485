"""A small problem for the loop: pictures that come nearer to a goal."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lowkey_core.cloaking.loop import Gain, Problem, Rows
from lowkey_core.types import Images

SHAPE = (3, 4, 4)
NAMES = ("a", "b", "c", "d", "e")
GOAL = torch.rand(5, *SHAPE, generator=torch.Generator().manual_seed(1))
START = torch.rand(5, *SHAPE, generator=torch.Generator().manual_seed(2))


class Nearer:
    """Gains by being near to a goal. Remembers what it was asked."""

    def __init__(self, goal: Tensor = GOAL) -> None:
        self.goal = goal
        self.parts: list[list[int]] = []
        """The rows of each call of the objective."""
        self.steps: list[int] = []
        """The step of each call of a gain."""

    def __call__(self, rows: Rows) -> Gain:
        self.parts.append(rows.tolist())

        def gain(images: Images, step: int) -> Tensor:
            self.steps.append(step)
            return -(images - self.goal[rows]).pow(2).sum()

        return gain


def uphill(variable: Tensor, slope: Tensor, step: int) -> Tensor:
    return variable + 0.1 / (1 + step) * slope


def problem(objective: Callable[[Rows], Gain] | None = None, steps: int = 12) -> Problem:
    return Problem(START, steps, objective or Nearer(), uphill)


PEOPLE = torch.tensor([0, 1, 0, 1, 1])


def shared(objective: Nearer) -> Problem:
    """Two masks for five pictures."""
    masks = torch.zeros(2, *SHAPE)

    def shown(masks: Tensor, rows: Rows) -> Images:
        return START[rows] + masks[PEOPLE[rows]]

    return Problem(masks, 6, objective, uphill, shown=shown, people=PEOPLE)
