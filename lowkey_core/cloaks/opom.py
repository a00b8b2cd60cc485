"""OPOM (Zhong and Deng, TPAMI 2022, arXiv 2205.11981): one person, one mask.

The same change for all pictures of a person, no pixel by more than `eps`, which takes every one of
them away from where that person can be:

    maximise over the mask  sum_pictures |f(x + mask) - r(x)|^2

with r the point nearest to f(x + mask) in what the person's clean embeddings span (`reference`):

- `convex`: their convex hull (the paper's best), found by pairwise Frank-Wolfe steps;
- `affine`: the plane through them; `centre`: their mean; `own`: f(x) itself (its FI-UAP).

The first 5 steps use the centre. The mask follows the sign of the gradient's sum over the person's
pictures. `momentum=true` adds gradients up, each over its mean absolute value. The paper's dropout
inside the surrogate (DFANet) is left out: networks of any kind are surrogates here.

It needs all pictures of a person at once. Alone, a picture has a mask of its own, and all hulls are
its own embedding.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Le
from torch import Generator, Tensor

from lowkey_core.cloaking import limits
from lowkey_core.cloaking.loop import Gain, Problem, Rows, climb, nan_where_lost
from lowkey_core.cloaking.rules import by_momentum, by_sign
from lowkey_core.cloaking.surrogates import checked
from lowkey_core.cloaks import Budget, CloakAbout
from lowkey_core.networks.flip import AtArcFace
from lowkey_core.types import Faces, Images, Network
from lowkey_core.work.runtime import device_of

Reference = Literal["convex", "affine", "centre", "own"]
FIRST = 5
"""Steps away from the centre, before the hull is used."""
TOGETHER = 32


def build(
    surrogates: Sequence[Network],
    eps: Annotated[float, Ge(1 / 255), Le(1)] = 8 / 255,
    steps: Annotated[int, Ge(0)] = 16,
    step_size: Annotated[float, Gt(0), Le(1)] = 1 / 255,
    reference: Reference = "convex",
    momentum: bool = False,
) -> Opom:
    """eps: the bound of every pixel, step_size: of a step, both on the [0, 1] scale.

    Raises: OptionError.
    """
    return Opom(checked(surrogates, "opom"), eps, steps, step_size, reference, momentum)


class Opom:
    """The cloak of the module's docstring."""

    def __init__(
        self,
        surrogates: Sequence[Network],
        eps: float,
        steps: int,
        step_size: float,
        reference: Reference,
        momentum: bool,
    ) -> None:
        self.surrogates, self.eps, self.steps = tuple(surrogates), limits.whole_levels(eps), steps
        self.step_size, self.reference, self.momentum = step_size, reference, momentum
        self.about = CloakAbout(
            released=datetime.date(2022, 5, 24),
            notes=("opom gives all pictures of a person one mask; alone, a picture has its own",),
            unit="identity",
            against=self.surrogates,
            budget=Budget(linf=self.eps),
        )

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """As `Cloak`."""
        if not self.steps:
            return faces.images.clone()
        clean = faces.images.to(device_of(self.surrogates[0]))
        owner = faces.identities.unique(return_inverse=True)[1]
        first = limits.firsts(faces.digests, owner)
        start = limits.uniform(faces.images.shape[1:], self.eps, rng, first).to(clean)
        counts = owner.bincount().to(clean.device).view(-1, 1, 1, 1)
        owner = owner.to(clean.device)

        def shown(masks: Tensor, rows: Rows) -> Images:
            return (clean[rows] + masks[owner[rows]]).clamp(0, 1)

        def within(masks: Tensor) -> Tensor:
            changes = torch.zeros_like(masks)
            changes.index_add_(0, owner, (clean + masks[owner]).clamp(0, 1) - clean)
            mean: Tensor = changes / counts
            return mean.clamp(-self.eps, self.eps)

        climbed = climb(
            Problem(
                start=start,
                steps=self.steps,
                objective=_Objective(self, clean, owner),
                rule=by_momentum(self.step_size, 1.0) if self.momentum else by_sign(self.step_size),
                shown=shown,
                within=within,
                people=owner,
                together=TOGETHER,
            ),
            faces.names,
        )
        cloaked = shown(climbed.variable, torch.arange(len(faces)).to(clean.device))
        return nan_where_lost(cloaked, climbed.lost).cpu()


class _Objective:
    """How far pictures are from their person."""

    def __init__(self, cloak: Opom, clean: Images, owner: Tensor) -> None:
        self.cloak, self.owner = cloak, owner
        self.embed = [AtArcFace(f) for f in cloak.surrogates]
        with torch.no_grad():
            self.home = [torch.cat([f(part) for part in clean.split(TOGETHER)]) for f in self.embed]

    def __call__(self, rows: Rows) -> Gain:
        """As `Problem.objective`."""

        def gain(images: Images, step: int) -> Tensor:
            total = images.new_zeros(())
            for f, home in zip(self.embed, self.home, strict=True):
                moved = f(images)
                there = self._reference(moved.detach(), home, rows, step)
                total = total + (moved - there).pow(2).mean(1).sum() / len(self.embed)
            return total

        return gain

    def _reference(self, moved: Tensor, home: Tensor, rows: Rows, step: int) -> Tensor:
        """(m, d): the point of each person that each picture is taken away from."""
        if self.cloak.reference == "own":
            return home[rows]
        kind = "centre" if step < FIRST else self.cloak.reference
        there = torch.empty_like(moved)
        for who in self.owner[rows].unique():
            own = self.owner[rows] == who
            there[own] = nearest(moved[own], home[self.owner == who], kind)
        return there


def nearest(points: Tensor, own: Tensor, kind: str) -> Tensor:
    """(m, d): the points of a hull that are nearest to some points.

    points: (m, d). own: (k, d), what spans it. kind: "convex", "affine" or "centre".
    """
    centre = own.mean(0, keepdim=True)
    if kind == "centre" or len(own) == 1:
        return centre.expand_as(points)
    if kind == "affine":
        spread = own - centre
        onto: Tensor = torch.linalg.pinv(spread) @ spread
        return centre + (points - centre) @ onto
    gram, along = own @ own.T, points @ own.T
    weights = torch.full_like(along, 1 / len(own))
    for _ in range(FRANK_WOLFE):  # weight goes from the worst corner that has some to the best
        better = along - weights @ gram
        best = better.argmax(1, keepdim=True)
        worst = better.masked_fill(weights <= 0, torch.inf).argmin(1, keepdim=True)
        way = (own[best] - own[worst]).pow(2).sum(2).clamp(min=1e-12)
        share = (better.gather(1, best) - better.gather(1, worst)) / way
        share = torch.minimum(share, weights.gather(1, worst))
        weights = weights.scatter_add(1, best, share).scatter_add(1, worst, -share)
    hull: Tensor = weights @ own
    return hull


FRANK_WOLFE = 40
"""Steps of the search for the nearest point of a convex hull."""
