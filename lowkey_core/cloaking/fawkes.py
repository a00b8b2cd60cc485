"""The two objectives of Fawkes, in tanh space: see lowkey_core/cloaks/fawkes.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from lowkey_core.cloaking.loop import Gain, Rows
from lowkey_core.cloaking.rules import Adadelta
from lowkey_core.faces.visibility import dssim
from lowkey_core.networks.flip import AtArcFace
from lowkey_core.types import Images

CLIP = 15 / 255
"""v1.0's bound of each pixel."""
TOGETHER = 32
"""Pictures in memory at once."""
SQUEEZED = 2 - 1e-6
"""Keeps the inverse of tanh finite."""


@dataclass(frozen=True)
class Settings:
    """What a mode stands for."""

    threshold: float
    """Of DSSIM."""
    steps: int
    rate: float
    """Adadelta's."""
    extractors: int | None = None
    """How many surrogates it uses; None: all."""


class InTanh:
    """Pictures as tanh of the variable, and what is kept of the iterates."""

    clip: float | None = None

    def __init__(self, clean: Images, embed: Sequence[AtArcFace], settings: Settings) -> None:
        self.clean, self.embed, self.settings = clean, embed, settings
        self.origin = ((clean - 0.5) * SQUEEZED).atanh()
        self.best = clean.clone()

    def shown(self, variable: Tensor, rows: Rows) -> Images:
        """The pictures, in [0, 1]."""
        clean = self.clean[rows]
        images = (self.origin[rows] + variable[rows]).tanh() / SQUEEZED + 0.5
        if self.clip is not None:
            images = clean + (images - clean).clamp(-self.clip, self.clip)
        return images.clamp(0, 1)

    def keep(self, rows: Rows, images: Images, better: Tensor) -> None:
        """Remembers those of the pictures that are better."""
        self.best[rows[better]] = images[better].detach()

    def kept(self, variable: Tensor) -> Images:
        """The pictures that were best. variable: what the last step led to."""
        del variable
        return self.best


class Towards(InTanh):
    """v0.3."""

    def __init__(
        self,
        clean: Images,
        embed: Sequence[AtArcFace],
        settings: Settings,
        goals: Sequence[Tensor],
    ) -> None:
        """goals: f(t), (n, d) for each surrogate."""
        super().__init__(clean, embed, settings)
        self.goals = goals
        self.nearest = torch.full((len(clean),), torch.inf, device=clean.device)

    def rule(self) -> Adadelta:
        """Adadelta, slower after the step at each third."""
        s = self.settings
        third = max(1, s.steps // 3)
        rates = [s.rate * 0.8 ** (max(0, i - 1) // third) for i in range(s.steps)]
        return Adadelta(rates, epsilon=1e-8)

    def __call__(self, rows: Rows) -> Gain:
        """As `Problem.objective`."""
        large = _doubled(self.clean[rows])
        goals = [goal[rows] for goal in self.goals]

        def gain(images: Images, step: int) -> Tensor:
            over = (dssim(large, _doubled(images)) - self.settings.threshold).clamp(min=0)
            far = torch.stack(
                [
                    (goal - f(images)).norm(dim=1) / goal.norm(dim=1)
                    for f, goal in zip(self.embed, goals, strict=True)
                ]
            ).sum(0)
            better = (far.detach() < self.nearest[rows]) & (step > 0)
            self.nearest[rows[better]] = far.detach()[better]
            self.keep(rows, images, better)
            return -(1e9 * over**2 + far).sum()

        return gain

    @torch.no_grad()
    def kept(self, variable: Tensor) -> Images:
        """The nearest of what every step led to, the last among them."""
        for rows in torch.arange(len(variable), device=variable.device).split(TOGETHER):
            self(rows)(self.shown(variable, rows), self.settings.steps)
        return self.best


class Away(InTanh):
    """v1.0."""

    clip = CLIP

    def __init__(self, clean: Images, embed: Sequence[AtArcFace], settings: Settings) -> None:
        super().__init__(clean, embed, settings)
        with torch.no_grad():
            self.home = [f(clean) for f in embed]
        zeros = torch.zeros(len(clean), device=clean.device)
        self.kappa, self.moved = zeros + 1, zeros.clone()
        self.farthest = zeros - torch.inf
        self.last, self.last_far, self.last_seen = clean.clone(), zeros.clone(), zeros.clone()

    def rule(self) -> FirstShove:
        """Adadelta, and a shove after its first step."""
        return FirstShove([self.settings.rate] * self.settings.steps)

    def __call__(self, rows: Rows) -> Gain:
        """As `Problem.objective`."""
        clean, threshold = self.clean[rows], self.settings.threshold

        def gain(images: Images, step: int) -> Tensor:
            del step
            seen = dssim(clean, images)
            far = torch.stack(
                [
                    (f(images) - there[rows]).pow(2).sum(1) / there[rows].norm(dim=1)
                    for f, there in zip(self.embed, self.home, strict=True)
                ]
            ).sum(0)
            value = 1e7 * (seen - threshold).clamp(min=0) ** 2 - self.kappa[rows] * far
            self._remember(rows, images.detach(), far.detach(), seen.detach())
            return -value.sum()

        return gain

    def _remember(self, rows: Rows, images: Images, far: Tensor, seen: Tensor) -> None:
        th = self.settings.threshold
        better = (seen <= 1.1 * th) & (far > self.farthest[rows])
        self.farthest[rows[better]] = far[better]
        self.keep(rows, images, better)
        self.last[rows], self.last_far[rows], self.last_seen[rows] = images, far, seen
        self.kappa[rows], self.moved[rows] = kappa(self.kappa[rows], self.moved[rows], seen, th)

    def kept(self, variable: Tensor) -> Images:
        """The best, or the last where nothing got far."""
        del variable
        last = (self.farthest < 0.3) & (self.last_seen < 0.015) & (self.last_far > self.farthest)
        return torch.where(last.view(-1, 1, 1, 1), self.last, self.best)


def kappa(now: Tensor, moved: Tensor, seen: Tensor, th: float) -> tuple[Tensor, Tensor]:
    """The next weight of each picture, and how it came about: 1 doubled, -1 halved, 0 reset.

    now: (n,) the weights. moved: (n,) how those came about. seen: (n,) DSSIM.
    """
    up = (seen <= 0.9 * th) & (now <= 129)
    down = (seen >= 1.1 * th) & (now >= 1 / 129) & ~up
    changed = torch.where(up, now * 2, torch.where(down, now / 2, torch.ones_like(now)))
    turned = (up & (moved < 0)) | (down & (moved > 0))
    return torch.where(turned, torch.ones_like(now), changed), up.to(now) - down.to(now)


class FirstShove:
    """Adadelta; after its first step also 0.01 along the sign of the gradient."""

    def __init__(self, rates: Sequence[float]) -> None:
        self.adadelta = Adadelta(rates)

    def __call__(self, variable: Tensor, slope: Tensor, step: int) -> Tensor:
        """As `Rule`."""
        moved = self.adadelta(variable, slope, step)
        return moved if step else moved + 0.01 * slope.sign()


def _doubled(images: Images) -> Images:
    """At 224 pixels."""
    return F.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)
