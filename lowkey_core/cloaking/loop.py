"""The loop that every optimised cloak runs: a gradient, a move, a limit, again.

It works on any number of pictures at once, of one person or of many. A picture that has reached its
goal is left alone from then on; so is one whose numbers are no longer finite, which is named.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lowkey_core.types import Images

log = logging.getLogger(__name__)

Rows = Tensor
"""(m,) int64: some of the pictures."""
Gain = Callable[[Images, int], Tensor]
"""From pictures and the number of the step to what is maximised: a sum over the pictures, so that
each has its own gradient. (k,) of them give k gradients, for a rule that chooses."""
Rule = Callable[[Tensor, Tensor, int], Tensor]
"""From where the variable is, its gradient (or k of them) and the step to where it goes."""


def free(variable: Tensor) -> Tensor:
    """No limit."""
    return variable


def itself(variable: Tensor, rows: Rows) -> Images:
    """The variable is the pictures."""
    return variable if len(rows) == len(variable) else variable[rows.to(variable.device)]


@dataclass(frozen=True)
class Problem:
    """What is looked for, and how."""

    start: Tensor
    """(n, ...): what is optimised; a row for each picture, or for each person."""
    steps: int
    objective: Callable[[Rows], Gain]
    """What is gained with some of the pictures. Called again whenever others are left."""
    rule: Rule
    shown: Callable[[Tensor, Rows], Images] = itself
    """Some of the pictures as the variable makes them."""
    within: Callable[[Tensor], Tensor] = free
    """Brings the variable back into its limits, after each step and before the first."""
    people: Tensor | None = None
    """(pictures,) int64: the row that each picture depends on; None: its own."""
    reached: Callable[[Images, Rows], Tensor] | None = None
    """(m,) bool: pictures that need no more steps; asked every EVERY steps."""
    together: int | None = None
    """Pictures in memory at once; None: all."""


EVERY = 5


@dataclass(frozen=True)
class Climbed:
    """Where the loop came to."""

    variable: Tensor
    lost: Tensor
    """(pictures,) bool: their numbers were not finite any more."""


def climb(problem: Problem, names: Sequence[str]) -> Climbed:
    """The variable after all steps. names: of the pictures, for messages.

    A row that is not finite after a step stays as it was before it, and its pictures are lost.
    """
    p, device = problem, problem.start.device
    owner = (torch.arange(len(p.start)) if p.people is None else p.people).to(device)
    rows, gains = torch.arange(len(owner), device=device), list[tuple[Rows, Gain]]()
    lost_at = torch.zeros(len(owner), dtype=torch.int64, device=device)
    variable = p.within(p.start.detach())
    broken = torch.zeros(len(variable), dtype=torch.bool, device=device)
    for step in range(p.steps):
        if p.reached is not None and step % EVERY == 0:
            left = rows[~_reached(p, variable, rows)]
            rows, gains = left, gains if len(left) == len(rows) else []
            if not len(rows):
                break
        if not gains:
            gains = [(part, p.objective(part)) for part in rows.split(p.together or len(rows))]
            moving, working = (
                torch.zeros(len(all_), dtype=torch.bool, device=device)
                for all_ in (variable, owner)
            )
            moving[owner[rows]], working[rows] = True, True
            moving = moving & ~broken
        slope = _slope(p, variable, gains, step)
        moved = p.within(p.rule(variable, slope, step))
        # Nothing here depends on numbers: a GPU need not wait for each step.
        finite = _finite(moved) & _finite(slope.sum(0) if slope.ndim > moved.ndim else slope)
        broken = broken | (moving & ~finite)
        lost_at = torch.where(broken[owner] & working & (lost_at == 0), step + 1, lost_at)
        moving = moving & ~broken
        variable = torch.where(moving.view(-1, *[1] * (moved.ndim - 1)), moved, variable)
    say_lost(lost_at, names)
    return Climbed(variable, lost_at > 0)


def say_lost(lost_at: Tensor, names: Sequence[str]) -> None:
    """Warns of each lost picture. lost_at: (pictures,) the step at which it was, from 1; 0: not."""
    for step, name in zip(lost_at.tolist(), names, strict=True):
        if step:
            log.warning("%s: the numbers were not finite at step %d", name, step)


def _finite(rows: Tensor) -> Tensor:
    """(n,) bool. The sign of NaN is 0, so a gradient is looked at before a rule takes its sign."""
    return rows.isfinite().flatten(1).all(1)


def _slope(p: Problem, at: Tensor, gains: Sequence[tuple[Rows, Gain]], step: int) -> Tensor:
    """The gradient of the gain, or the k gradients of k gains."""
    total: Tensor | None = None
    for rows, gain in gains:
        variable = at.detach().requires_grad_()
        value = gain(p.shown(variable, rows), step)
        if value.ndim:
            each = [torch.autograd.grad(v, variable, retain_graph=True)[0] for v in value]
            slope = torch.stack(each)
        else:
            (slope,) = torch.autograd.grad(value, variable)
        total = slope if total is None else total + slope
    assert total is not None
    return total


@torch.no_grad()
def _reached(p: Problem, variable: Tensor, rows: Rows) -> Tensor:
    """(len(rows),) bool."""
    assert p.reached is not None
    parts = rows.split(p.together or max(1, len(rows)))
    return torch.cat([p.reached(p.shown(variable, part), part) for part in parts])


def nan_where_lost(images: Images, lost: Tensor) -> Images:
    """A picture of NaN for each that is lost: so a cloak says that it failed there."""
    return images.masked_fill(lost.view(-1, 1, 1, 1).to(images.device), torch.nan)
