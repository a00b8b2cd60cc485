"""Step rules, held to hand computations and to torch's own."""

from __future__ import annotations

import torch
from torch import Tensor

from lowkey_core.cloaking.rules import Adadelta, Momentum, by_momentum, by_sign, mean_size

RNG = torch.Generator().manual_seed(1)
SLOPES = [torch.randn(2, 3, 4, 4, generator=RNG) * size for size in (1e-3, 1.0, 30.0, 0.1, 1e-4, 2)]
START = torch.rand(2, 3, 4, 4, generator=RNG)


def test_by_sign_takes_a_step_of_one_size_wherever_there_is_a_slope() -> None:
    slope = torch.tensor([[-3.0, 0.0, 1e-9, 7.0]])
    moved = by_sign(0.5)(torch.ones(1, 4), slope, 0)
    assert moved.tolist() == [[0.5, 1.0, 1.5, 1.5]]


def by_hand(slopes: list[Tensor], decay: float) -> Tensor:
    total = torch.zeros_like(slopes[0])
    for slope in slopes:
        for row in range(len(slope)):
            total[row] = decay * total[row] + slope[row] / slope[row].abs().mean()
    return total


def test_momentum_adds_gradients_each_over_its_mean_size() -> None:
    momentum = Momentum(0.6)
    for n, slope in enumerate(SLOPES, 1):
        assert torch.allclose(momentum(slope), by_hand(SLOPES[:n], 0.6), rtol=1e-5, atol=1e-6)


def test_momentum_of_no_slope_is_what_it_was() -> None:
    momentum, first = Momentum(0.5), SLOPES[1]
    before = momentum(first)
    none = first * torch.tensor([0.0, 1.0]).view(2, 1, 1, 1)
    assert torch.equal(momentum(none)[0], 0.5 * before[0])
    assert mean_size(torch.zeros(2, 3)).tolist() == [[1.0], [1.0]]


def test_by_momentum_follows_the_sign_of_the_sum() -> None:
    rule, where = by_momentum(0.01, 1.0), START
    for step, slope in enumerate(SLOPES):
        where = rule(where, slope, step)
    hand = START
    for n in range(1, len(SLOPES) + 1):
        hand = hand + 0.01 * by_hand(SLOPES[:n], 1.0).sign()
    assert torch.allclose(where, hand, atol=1e-6)


def test_each_rule_remembers_by_itself() -> None:
    """It is made anew for a batch."""
    one, other = by_momentum(0.1, 1.0), by_momentum(0.1, 1.0)
    one(START, 100 * SLOPES[0], 0)
    assert torch.equal(other(START, -SLOPES[1], 0), by_sign(0.1)(START, -SLOPES[1], 0))


def test_adadelta_is_torchs_while_its_rate_falls() -> None:
    rates = [20 * 0.8 ** (step // 2) for step in range(len(SLOPES))]
    rule, where = Adadelta(rates), START
    parameter = START.clone().requires_grad_()
    theirs = torch.optim.Adadelta([parameter], lr=rates[0], rho=0.95, eps=1e-7, maximize=True)
    for step, slope in enumerate(SLOPES):
        theirs.param_groups[0]["lr"] = rates[step]
        parameter.grad = slope.clone()
        theirs.step()
        where = rule(where, slope, step)
        assert torch.allclose(where, parameter.detach(), atol=1e-6)
