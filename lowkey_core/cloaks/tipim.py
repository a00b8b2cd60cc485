"""TIP-IM (Yang et al., ICCV 2021, arXiv 2003.06814): towards one of several other people.

    maximise over x'  log(1 + exp(|f(x') - f(x)| - |f(x') - f(t)|))

over several candidate targets t: at each step, each picture takes the move towards that target with
which it gains most. Moves follow the sign of gradients that add up, each over its mean absolute
value, and no pixel moves by more than `eps`. Before each gradient the picture is turned and tilted
at random (`views`). `norm=l2` moves along the gradient itself instead of its sign.

The gradient of a move is that of |f(x') - f(x)|^2 - |f(x') - f(t)|^2. The penalty on the
distribution of pixels (MMD) is left out: its weight is 0 in the released command. Ours, as the
paper does not say: the targets are drawn at random for each picture, a target is the mean of that
person's embeddings, the sum so far is kept for each target, and the sizes of turns and tilts.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from torch import Generator, Tensor

from lowkey_core.cloaking import limits
from lowkey_core.cloaking.loop import Gain, Problem, Rows, climb, nan_where_lost
from lowkey_core.cloaking.others import Others, centres
from lowkey_core.cloaking.rules import Momentum
from lowkey_core.cloaking.surrogates import checked
from lowkey_core.cloaking.views import maps, warped
from lowkey_core.cloaks import Budget, CloakAbout
from lowkey_core.content import per_picture
from lowkey_core.networks.flip import AtArcFace
from lowkey_core.types import Faces, Images, Network
from lowkey_core.work.runtime import device_of

TURN, TILT = 0.1, 0.01
"""Standard deviations of a view's angle, in radians, and of its projective terms."""
TOGETHER = 32


def build(
    surrogates: Sequence[Network],
    others: Others,
    eps: Annotated[float, Ge(1 / 255), Le(1)] = 12 / 255,
    steps: Annotated[int, Ge(0)] = 100,
    targets: Annotated[int, Ge(1), Le(100)] = 10,
    momentum: Annotated[float, Ge(0), Le(1)] = 1.0,
    norm: Literal["linf", "l2"] = "linf",
    views: bool = True,
) -> TipIm:
    """eps: the bound of every pixel, on the [0, 1] scale. targets: candidates for each picture.
    momentum: what is kept of the sum of gradients at each step.

    Raises: OptionError.
    """
    networks = checked(surrogates, "tipim")
    return TipIm(networks, others, eps, steps, targets, momentum, norm, views)


class TipIm:
    """The cloak of the module's docstring."""

    def __init__(
        self,
        surrogates: Sequence[Network],
        others: Others,
        eps: float,
        steps: int,
        targets: int,
        momentum: float,
        norm: Literal["linf", "l2"],
        views: bool,
    ) -> None:
        self.surrogates, self.others = tuple(surrogates), others
        self.eps, self.steps, self.targets = limits.whole_levels(eps), steps, targets
        self.momentum, self.norm, self.views = momentum, norm, views
        self.about = CloakAbout(
            released=datetime.date(2020, 3, 15),
            notes=(f"tipim chose among {targets} targets for each picture",),
            against=self.surrogates,
            aims=True,
            budget=Budget(linf=self.eps),
        )

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """As `Cloak`. Raises: DatasetError where there are fewer other people than targets."""
        if not self.steps:
            return faces.images.clone()
        clean = faces.images.to(device_of(self.surrogates[0]))
        objective = _Objective(self, clean, faces, rng)
        climbed = climb(
            Problem(
                start=clean,
                steps=self.steps,
                objective=objective,
                rule=_Best(self, objective),
                within=limits.ball(clean, self.eps),
                together=TOGETHER,
            ),
            faces.names,
        )
        return nan_where_lost(climbed.variable, climbed.lost).cpu()


class _Objective:
    """What each picture gains with each of its targets."""

    def __init__(self, cloak: TipIm, clean: Images, faces: Faces, rng: Generator) -> None:
        self.cloak, self.clean = cloak, clean
        self.embed = [AtArcFace(f) for f in cloak.surrogates]
        self.draws = [per_picture(rng, digest) for digest in faces.digests]
        with torch.no_grad():
            self.home = [f(clean) for f in self.embed]
            self.there = self._targets(faces, rng, clean.device)
        """(n, targets, d) for each surrogate."""

    def _targets(self, faces: Faces, rng: Generator, device: torch.device) -> list[Tensor]:
        them, count = self.cloak.others.faces, self.cloak.targets
        their = [
            torch.cat([f(part.to(device)) for part in them.images.split(TOGETHER)])
            for f in self.embed
        ]
        chosen: list[list[Tensor]] = [[] for _ in self.embed]
        for who, digest in zip(faces.identities.tolist(), faces.digests, strict=True):
            people = self.cloak.others.besides(who, count, "tipim")
            draw = per_picture(rng, f"targets of {digest}")
            some = [people[i] for i in torch.randperm(len(people), generator=draw)[:count]]
            for embedded, per_network in zip(their, chosen, strict=True):
                per_network.append(F.normalize(centres(embedded, them.identities, some)))
        return [torch.stack(each) for each in chosen]

    def __call__(self, rows: Rows) -> Gain:
        """As `Problem.objective`: (targets,)."""

        def gain(images: Images, step: int) -> Tensor:
            del step
            if self.cloak.views:
                theta = maps([self.draws[row] for row in rows.tolist()], TURN, TILT)
                images = warped(images, theta.to(images))
            away, near = self.distances(images, rows)
            return (away[:, None] ** 2 - near**2).sum((0, 2))

        return gain

    def distances(self, images: Images, rows: Rows) -> tuple[Tensor, Tensor]:
        """From oneself and from the targets, for each surrogate: (m, s) and (m, targets, s)."""
        pairs = [
            (f(images), home[rows], there[rows])
            for f, home, there in zip(self.embed, self.home, self.there, strict=True)
        ]
        away = torch.stack([(e - home).norm(dim=1) for e, home, _ in pairs], 1)
        near = torch.stack([(e[:, None] - there).norm(dim=2) for e, _, there in pairs], 2)
        return away, near


class _Best:
    """Of the moves towards each target, that with which a picture gains most."""

    def __init__(self, cloak: TipIm, objective: _Objective) -> None:
        self.cloak, self.objective = cloak, objective
        self.sums = [Momentum(cloak.momentum) for _ in range(cloak.targets)]
        self.within = limits.ball(objective.clean, cloak.eps)

    @torch.no_grad()
    def __call__(self, variable: Tensor, slope: Tensor, step: int) -> Tensor:
        """As `Rule`. slope: (targets, n, ...)."""
        del step
        size = 1.5 * self.cloak.eps / self.cloak.steps
        best, most = variable, torch.full((len(variable),), -torch.inf, device=variable.device)
        for total, own in zip(self.sums, slope, strict=True):
            moved = self.within(variable + size * self._direction(total(own)))
            gained = self._gained(moved)
            better = ~(gained <= most)  # NaN, too: the loop looks for it
            best = torch.where(better.view(-1, 1, 1, 1), moved, best)
            most = torch.where(better, gained, most)
        return best

    def _direction(self, slope: Tensor) -> Tensor:
        if self.cloak.norm == "linf":
            return slope.sign()
        length = torch.linalg.vector_norm(slope, dim=(1, 2, 3), keepdim=True)
        direction: Tensor = slope / length.clamp(min=1e-12) * slope[0].numel() ** 0.5
        return direction

    def _gained(self, images: Images) -> Tensor:
        """(n,): log(1 + max over targets of exp(distance from oneself - from the target))."""
        each = []
        for rows in torch.arange(len(images), device=images.device).split(TOGETHER):
            away, near = self.objective.distances(images[rows], rows)
            each.append((away.mean(1, keepdim=True) - near.mean(2)).amax(1))
        return F.softplus(torch.cat(each))
