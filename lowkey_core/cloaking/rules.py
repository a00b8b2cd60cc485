"""Step rules: how a variable follows its gradient uphill. Each is made anew for a batch, as some
remember what they did."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lowkey_core.cloaking.loop import Rule


def by_sign(size: float) -> Rule:
    """A step of `size` in every pixel, wherever its gradient points (FGSM, LowKey)."""
    return functools.partial(_signed, size, torch.Tensor.sign)


def by_momentum(size: float, decay: float) -> Rule:
    """The sign of gradients that add up, each over its mean absolute value, the sum so far times
    `decay` first (MI-FGSM, arXiv 1710.06081)."""
    total = Momentum(decay)
    return functools.partial(_signed, size, lambda slope: total(slope).sign())


def _signed(
    size: float, sign: Callable[[Tensor], Tensor], variable: Tensor, slope: Tensor, step: int
) -> Tensor:
    del step
    return variable + size * sign(slope)


class Momentum:
    """Adds gradients up, row by row."""

    def __init__(self, decay: float) -> None:
        self.decay, self.sum = decay, torch.zeros(())

    def __call__(self, slope: Tensor) -> Tensor:
        """The sum with this gradient. slope: (n, ...)."""
        self.sum = self.decay * self.sum + slope / mean_size(slope)
        return self.sum


def mean_size(slope: Tensor) -> Tensor:
    """(n, 1, ...): the mean absolute value of each row; 1 where that is 0."""
    mean = slope.abs().flatten(1).mean(1).view(-1, *[1] * (slope.ndim - 1))
    return torch.where(mean > 0, mean, torch.ones_like(mean))


class Adadelta:
    """Zeiler 2012 (arXiv 1212.5701): rho 0.95, epsilon inside both roots.

    rates: of each step. epsilon: 1e-7 as in Keras, 1e-8 as in TensorFlow 1.
    """

    def __init__(self, rates: Sequence[float], epsilon: float = 1e-7) -> None:
        self.rates, self.epsilon = rates, epsilon
        self.slopes, self.moves = torch.zeros(()), torch.zeros(())

    def __call__(self, variable: Tensor, slope: Tensor, step: int) -> Tensor:
        """As `Rule`: uphill."""
        self.slopes = _RHO * self.slopes + (1 - _RHO) * slope**2
        move = slope * (self.moves + self.epsilon).sqrt() / (self.slopes + self.epsilon).sqrt()
        self.moves = _RHO * self.moves + (1 - _RHO) * move**2
        return variable + self.rates[step] * move


_RHO = 0.95
