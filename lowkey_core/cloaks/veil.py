"""Veil, this project's own: away from the person, not from the picture, and seen a little askew.

    maximise over x'  2/n sum_i |f_i(view(x')) - c_i|^2  -  price * (1 - SSIM)
                      -  chroma * change of colour  +  spread * log det(Gram + 0.01 I)

- `away`: c is the mean embedding of the person's clean pictures (`person`) or the picture's own
  (`picture`);
- `warp`: each view is bent a little, at random and anew at each step, then smoothed or not and
  mirrored or not in turn, as `lowkey` does;
- `transformer`: the zoo's transformer joins the surrogates, as convolutions alone do not carry over
  to networks with attention;
- `momentum`: gradients add up, each over its mean absolute value;
- `chroma`: the mean square of the change in Cb and Cr, which SSIM hardly sees;
- `spread`: a person's cloaked pictures are taken apart from each other, so that they do not find
  each other; at 1 it costs next to no protection (benchmarks/README.md).

Alone, a picture is its person's only one.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Le, Lt
from torch import Generator, Tensor

from lowkey_core import recognisers
from lowkey_core.cloaking import limits
from lowkey_core.cloaking.loop import Gain, Problem, Rows, climb, nan_where_lost
from lowkey_core.cloaking.rules import by_momentum, by_sign
from lowkey_core.cloaking.spread import spread
from lowkey_core.cloaking.surrogates import checked
from lowkey_core.cloaking.views import mild
from lowkey_core.cloaks import CloakAbout
from lowkey_core.content import per_picture
from lowkey_core.faces.visibility import smooth, ssim_to
from lowkey_core.networks.flip import AtArcFace
from lowkey_core.types import Faces, Images, Network
from lowkey_core.work.runtime import device_of

TRANSFORMER = "zoo:vit"
VIEWS = ((False, False), (True, False), (False, True), (True, True))
"""(smoothed, mirrored)."""
NOISE = 0.005
"""Half-width of the uniform noise that the ascent starts from."""
RIDGE = 0.01
GROUP = 32
"""Pictures in memory at once, and so the most of a person that are taken apart from each other."""


@dataclass(frozen=True)
class Recipe:
    """What of the module's docstring is used."""

    steps: int = 18
    step_size: float = 0.0067
    ssim_price: float = 20.0
    away: Literal["person", "picture"] = "person"
    warp: float = 1.0
    momentum: float = 0.0
    chroma: float = 0.0
    spread: float = 1.0


def build(
    surrogates: Sequence[Network],
    steps: Annotated[int, Ge(0)] = Recipe.steps,
    step_size: Annotated[float, Ge(0), Lt(math.inf)] = Recipe.step_size,
    ssim_price: Annotated[float, Ge(0), Lt(math.inf)] = Recipe.ssim_price,
    away: Literal["person", "picture"] = Recipe.away,
    warp: Annotated[float, Ge(0), Le(5)] = Recipe.warp,
    momentum: Annotated[float, Ge(0), Le(1)] = Recipe.momentum,
    chroma: Annotated[float, Ge(0), Lt(math.inf)] = Recipe.chroma,
    spread: Annotated[float, Ge(0), Lt(math.inf)] = Recipe.spread,
    transformer: bool = True,
) -> Veil:
    """Raises: OptionError for a surrogate without gradients."""
    networks = checked(surrogates, "veil")
    if transformer and TRANSFORMER not in [n.card.name for n in networks]:
        networks += (recognisers.network(TRANSFORMER, device_of(networks[0])),)
    recipe = Recipe(steps, step_size, ssim_price, away, warp, momentum, chroma, spread)
    return Veil(networks, recipe)


class Veil:
    """The cloak of the module's docstring."""

    def __init__(self, surrogates: Sequence[Network], recipe: Recipe) -> None:
        self.surrogates, self.recipe = tuple(surrogates), recipe
        self.about = CloakAbout(
            released=datetime.date(2026, 11, 29), unit="identity", against=self.surrogates
        )

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """As `Cloak`."""
        r = self.recipe
        if not r.steps:
            return faces.images.clone()
        clean = faces.images.to(device_of(self.surrogates[0]))
        noise = limits.uniform(faces.images.shape[1:], NOISE, rng, faces.digests)
        climbed = climb(
            Problem(
                start=clean + noise.to(clean),
                steps=r.steps,
                objective=_Objective(self, clean, faces, rng),
                rule=by_momentum(r.step_size, r.momentum) if r.momentum else by_sign(r.step_size),
                within=limits.pixels,
                together=GROUP,
            ),
            faces.names,
        )
        return nan_where_lost(climbed.variable, climbed.lost).cpu()


class _Objective:
    """What pictures gain."""

    def __init__(self, veil: Veil, clean: Images, faces: Faces, rng: Generator) -> None:
        self.recipe, self.clean = veil.recipe, clean
        self.embed = [AtArcFace(f) for f in veil.surrogates]
        self.draws = [per_picture(rng, f"views of {digest}") for digest in faces.digests]
        self.owner = faces.identities.to(clean.device)
        with torch.no_grad():
            self.home = [[self._from(f, x) for f in self.embed] for x in (clean, clean.flip(-1))]

    def _from(self, network: AtArcFace, images: Images) -> Tensor:
        """(n, d): what each picture is taken away from."""
        own = torch.cat([network(part) for part in images.split(GROUP)])
        if self.recipe.away == "picture":
            return own
        centre = torch.empty_like(own)
        for who in self.owner.unique():
            centre[self.owner == who] = own[self.owner == who].mean(0)
        return F.normalize(centre)

    def __call__(self, rows: Rows) -> Gain:
        """As `Problem.objective`."""
        r, alike, owner = self.recipe, ssim_to(self.clean[rows], rim=True), self.owner[rows]
        clean = self.clean[rows]
        draws = [self.draws[row] for row in rows.tolist()]

        def gain(images: Images, step: int) -> Tensor:
            smoothed, mirrored = VIEWS[step % len(VIEWS)]
            view = mild(draws, r.warp)(images) if r.warp else images
            view = smooth(view, 7, 3.0) if smoothed else view
            view = view.flip(-1) if mirrored else view
            total = -r.ssim_price * (1 - alike(images)).sum()
            if r.chroma:
                total = total - r.chroma * _colour(images - clean).sum()
            for f, home in zip(self.embed, self.home[mirrored], strict=True):
                moved = f(view)
                share = 2 * (moved - home[rows]).pow(2).sum()
                if r.spread:
                    parts = [spread(moved[owner == who], RIDGE) for who in owner.unique()]
                    share = share + r.spread * torch.stack(parts).sum()
                total = total + share / len(self.embed)
            return total

        return gain


def _colour(change: Images) -> Tensor:
    """(n,): the mean square of a change in Cb and Cr (BT.601), in units of ten grey levels."""
    red, green, blue = change.unbind(1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    blueness, redness = (blue - luma) / 1.772, (red - luma) / 1.402
    return (blueness**2 + redness**2).mean((1, 2)) * 25.5**2
