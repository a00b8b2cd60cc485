"""The objective of LowKey, and how it is climbed: see lowkey_core/cloaks/lowkey.py."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from lowkey_core.cloaking.loop import Gain, Rows
from lowkey_core.faces.st_lpips import StLpips
from lowkey_core.faces.visibility import Lpips, smooth, ssim_to
from lowkey_core.networks.flip import AtArcFace, FlipAveraged
from lowkey_core.types import Images, Network

_VIEWS = ((False, False), (True, False), (False, True), (True, True))
"""(smoothed, mirrored)."""


@dataclass(frozen=True)
class Schedule:
    """How the objective is climbed. Pixels are on the [0, 1] scale."""

    steps: int = 25
    step_size: float = 0.005
    start: float = 0.005
    """Half-width of the uniform noise the ascent starts from."""
    ssim_price: float = 10.0
    """Price of 1 - SSIM."""
    lpips_price: float = 0.1
    """Twice the paper's alpha of 0.05, as the halves are left out."""
    st_lpips_price: float = 10.0
    """Ours: it moves 24 faces of 6 people of LFW as far as SSIM's price does (surrogates dlib and
    mobilefacenet:casia; cosine to the clean face 0.02 against 0.03 for mobilefacenet:ms1m, 0.26
    against 0.28 for edgeface:xxs). Mean DSSIM is then 0.071, not 0.028: the metric hardly sees what
    the ascent finds. At a price of 300 DSSIM is 0.029, and the cosine 0.94: no cloak is left."""
    in_turn: bool = True
    """One view a step, standing for both; False: both views, mirror images averaged, each step."""
    clamp_each_step: bool = True
    price_first_only: bool = False
    smoothing: bool = True
    """Whether smoothed views are among them."""
    until: float | None = None
    """A picture is done once no surrogate finds it more like itself; None: after all steps."""


def _averaged(network: AtArcFace, images: Images) -> Tensor:
    """As `FlipAveraged`, unchecked."""
    return F.normalize(network(images) + network(images.flip(-1)))


class Objective:
    """What LowKey gains with some of a batch's pictures."""

    def __init__(
        self,
        surrogates: Sequence[Network],
        schedule: Schedule,
        metric: Lpips | StLpips | None,
        clean: Images,
    ) -> None:
        """metric: what prices the cloak; None: SSIM."""
        self.schedule, self.metric, self.clean = schedule, metric, clean
        plain = [AtArcFace(f) for f in surrogates]
        averaged = [FlipAveraged(f) for f in plain]
        self.embed: Sequence[Callable[[Images], Tensor]] = (
            plain if self.schedule.in_turn else averaged
        )
        with torch.no_grad():
            self.home = [[f(x) for f in self.embed] for x in (clean, clean.flip(-1))]
            if not self.schedule.in_turn:  # checked once; later NaN is a picture's own trouble
                self.embed = [functools.partial(_averaged, f) for f in plain]

    def __call__(self, rows: Rows) -> Gain:
        """As `Problem.objective`."""
        s, price = self.schedule, self._price(self.clean[rows])
        home = [[there[rows] for there in each] for each in self.home]
        views = _VIEWS if s.smoothing else _VIEWS[::2]

        def gain(cloaked: Images, step: int) -> Tensor:
            total = -price(cloaked)
            seen = [views[step % len(views)]] if s.in_turn else views[: len(views) // 2]
            for smoothed, mirrored in seen:
                view = smooth(cloaked, 7, 3.0) if smoothed else cloaked
                view = view.flip(-1) if mirrored else view
                weight = 2 / len(seen) / len(self.embed)
                for f, there in zip(self.embed, home[mirrored], strict=True):
                    total = total + weight * (f(view) - there).pow(2).sum()
            return total

        return gain

    def _price(self, clean: Images) -> Callable[[Images], Tensor]:
        """What the visibility of a batch costs, summed over it."""
        s = self.schedule
        if self.metric is None:
            # With the rim: what costs nothing there would show as a seam in a whole photo.
            alike, scale = ssim_to(clean, rim=True), s.ssim_price
            visible: Callable[[Images], Tensor] = lambda images: 1 - alike(images)  # noqa: E731
        else:
            visible = self.metric.from_reference(clean)
            scale = s.lpips_price if isinstance(self.metric, Lpips) else s.st_lpips_price

        def price(cloaked: Images) -> Tensor:
            each = scale * visible(cloaked)
            return each[:1].sum() if s.price_first_only else each.sum()

        return price

    def reached(self, cloaked: Images, rows: Rows) -> Tensor:
        """As `Problem.reached`: how like themselves the pictures still are."""
        assert self.schedule.until is not None
        likeness = [
            (f(cloaked) * there[rows]).sum(1)
            for f, there in zip(self.embed, self.home[False], strict=True)
        ]
        return torch.stack(likeness).amax(0) <= self.schedule.until
