"""Protego (CVPR 2026), its texture without the face model: pictures of a person that do not find
each other.

    minimise over the texture  -log det(Gram + 1e-4 I)  +  mean cos(f(x), f(x'))
                               +  w * max(0.95 - SSIM, 0)

averaged over the surrogates, with Gram the products of the embeddings of a person's protected
pictures: its determinant is large where they point in different directions. w doubles while the
person's mean SSIM is more than 1% below its goal, and halves while it is above, within 1/129 and
129. Sign steps of 0.01 * eps from a random start, no pixel by more than `eps`.

As in the paper, a person has one texture for all pictures; here it lies on the aligned face, not on
a 3D model of it. `texture=picture` gives each picture its own instead. A person's pictures are
taken in groups of at most 16, the paper's batch. Alone, a picture has nothing to be spread from:
only the second and the third term are left.
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
from lowkey_core.cloaking.rules import by_sign
from lowkey_core.cloaking.spread import spread
from lowkey_core.cloaking.surrogates import checked
from lowkey_core.cloaks import Budget, CloakAbout
from lowkey_core.faces.visibility import ssim
from lowkey_core.networks.flip import AtArcFace
from lowkey_core.types import Faces, Images, Network
from lowkey_core.work.runtime import device_of

GROUP, RIDGE = 16, 1e-4
LARGEST = 129.0
"""Of w; 1 / 129 is its smallest."""


def build(
    surrogates: Sequence[Network],
    eps: Annotated[float, Ge(1 / 255), Le(1)] = 16 / 255,
    steps: Annotated[int, Ge(0)] = 100,
    ssim: Annotated[float, Gt(0), Le(1)] = 0.95,
    spread: Annotated[float, Ge(0), Le(100)] = 1.0,
    texture: Literal["person", "picture"] = "person",
) -> Protego:
    """eps: the bound of every pixel, on the [0, 1] scale. ssim: that should be kept. spread: weight
    of the first term. texture: one for each person, or one for each picture.

    Raises: OptionError.
    """
    return Protego(checked(surrogates, "protego"), eps, steps, ssim, spread, texture)


class Protego:
    """The cloak of the module's docstring."""

    def __init__(
        self,
        surrogates: Sequence[Network],
        eps: float,
        steps: int,
        goal: float,
        spread: float,
        texture: Literal["person", "picture"],
    ) -> None:
        self.surrogates, self.eps, self.steps = tuple(surrogates), limits.whole_levels(eps), steps
        self.step_size, self.goal, self.spread, self.texture = 0.01 * eps, goal, spread, texture
        self.about = CloakAbout(
            released=datetime.date(2026, 6, 1),
            notes=("protego without its 3D face model: the texture lies on the aligned face",),
            unit="identity",
            against=self.surrogates,
            budget=Budget(linf=self.eps),
        )

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """As `Cloak`."""
        cloaked = faces.images.clone()
        for rows in _parts(faces.identities) if self.steps else []:
            cloaked[rows] = self._some(faces.select(rows), rng)
        return cloaked

    def _some(self, faces: Faces, rng: Generator) -> Images:
        """The same of whole groups."""
        clean = faces.images.to(device_of(self.surrogates[0]))
        owner = _groups(faces.identities).unique(return_inverse=True)[1]
        if self.texture == "picture":
            own, seeds = torch.arange(len(faces)), list(faces.digests)
        else:
            own, seeds = owner, limits.firsts(faces.digests, owner)
        start = limits.uniform(faces.images.shape[1:], self.eps, rng, seeds).to(clean)
        own, owner = own.to(clean.device), owner.to(clean.device)

        def shown(textures: Tensor, rows: Rows) -> Images:
            return (clean[rows] + textures[own[rows]]).clamp(0, 1)

        climbed = climb(
            Problem(
                start=start,
                steps=self.steps,
                objective=_Objective(self, clean, owner),
                rule=by_sign(self.step_size),
                shown=shown,
                within=lambda textures: textures.clamp(-self.eps, self.eps),
                people=own,
            ),
            faces.names,
        )
        cloaked = shown(climbed.variable, torch.arange(len(faces)).to(clean.device))
        return nan_where_lost(cloaked, climbed.lost).cpu()


class _Objective:
    """What pictures gain: unlike themselves, unlike each other, and like in looks."""

    def __init__(self, cloak: Protego, clean: Images, owner: Tensor) -> None:
        """owner: (n,) the group of each picture."""
        self.cloak, self.clean, self.owner = cloak, clean, owner
        self.embed = [AtArcFace(f) for f in cloak.surrogates]
        self.weights = torch.ones(int(owner.max()) + 1, device=clean.device)
        with torch.no_grad():
            self.home = [torch.cat([f(x) for x in clean.split(GROUP)]) for f in self.embed]

    def __call__(self, rows: Rows) -> Gain:
        """As `Problem.objective`."""
        clean, owner = self.clean[rows], self.owner[rows]

        def gain(images: Images, step: int) -> Tensor:
            del step
            alike, total = ssim(clean, images), images.new_zeros(())
            embedded = [f(images) for f in self.embed]
            for who in owner.unique():
                own = owner == who
                for moved, home in zip(embedded, self.home, strict=True):
                    cosine = (moved[own] * home[rows[own]]).sum(1).mean()
                    share = self.cloak.spread * spread(moved[own], RIDGE) - cosine
                    total = total + share / len(embedded)
                short = (self.cloak.goal - alike[own].mean()).clamp(min=0)
                total = total - self.weights[who].clone() * short
                self.weights[who] = _weight(self.weights[who], alike[own].mean(), self.cloak.goal)
            return total

        return gain


def _weight(now: Tensor, seen: Tensor, goal: float) -> Tensor:
    if seen < 0.99 * goal:
        return (now * 2).clamp(max=LARGEST)
    return (now / 2).clamp(min=1 / LARGEST) if seen > 1.01 * goal else now


def _groups(identities: Tensor) -> Tensor:
    """(n,) int64: pictures of one person, at most GROUP, have one number."""
    numbers = torch.zeros_like(identities)
    for who in identities.unique():
        rows = (identities == who).nonzero().flatten()
        numbers[rows] = who * len(identities) + torch.arange(len(rows)) // GROUP
    return numbers


def _parts(identities: Tensor) -> list[Tensor]:
    """Rows of whole groups, together at most GROUP of them."""
    groups, parts = _groups(identities), list[Tensor]()
    for group in groups.unique():
        rows = (groups == group).nonzero().flatten()
        if parts and len(parts[-1]) + len(rows) <= GROUP:
            parts[-1] = torch.cat([parts[-1], rows])
        else:
            parts.append(rows)
    return parts
