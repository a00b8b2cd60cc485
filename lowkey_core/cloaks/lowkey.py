"""LowKey (Cherepanova et al., ICLR 2021, arXiv 2101.07922, Section 4 and `lowkey_gradio`).

Moves a face's embedding away from where it was, under several surrogates at once, for the
picture as it is and smoothed, at a perceptual price:

    maximise over x'
        1/n sum_i sum_views |f_i(A(x)) - f_i(A(view(x')))|^2  -  price * visible(x, x')

with A the alignment and views x' and G(x'), G Gaussian smoothing. (The paper's halves are left
out: ascent by the sign of the gradient does not see a common factor.) Three variants:

- `lowkey`: the affordable schedule: 25 steps of 0.005, each looking at one of four views in turn
  (the face, smoothed or not, mirrored or not). Half the cost of two views at every step, and as
  much protection at equal DSSIM (benchmarks/README.md).
- `lowkey:published`: 50 steps of 0.0025, mirror images averaged at every step, and LPIPS half
  on the aligned face, half on the whole picture.
- `lowkey:released`: published, with the released code's defects: clamped to [0, 1] only after
  the last step, and LPIPS of the first picture of a batch only. (Its third, one checkpoint per
  architecture, concerns its own ensemble and is void with other surrogates.)

Visible is LPIPS, or 1 - SSIM on the aligned face where LPIPS has no trunk; `price` may name either,
or ST-LPIPS.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Lt
from torch import Generator, Tensor

from lowkey_core.cloaks import CloakAbout
from lowkey_core.content import per_picture
from lowkey_core.errors import OptionError, setting
from lowkey_core.faces import st_lpips
from lowkey_core.faces.st_lpips import StLpips
from lowkey_core.faces.visibility import Lpips, if_present, smooth, ssim_to
from lowkey_core.networks.flip import AtArcFace, FlipAveraged
from lowkey_core.types import FACE_SIZE, Faces, Images, Network
from lowkey_core.work.runtime import device_of

MEMBERS = ("", "published", "released")


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


SCHEDULES = {
    "": Schedule(),
    "published": Schedule(steps=50, step_size=0.0025, in_turn=False),
    "released": Schedule(
        steps=50,
        step_size=0.0025,
        in_turn=False,
        clamp_each_step=False,
        price_first_only=True,
    ),
}

_VIEWS = ((False, False), (True, False), (False, True), (True, True))
"""(smoothed, mirrored)."""

_RELEASED_NOTE = (
    "lowkey:released loads one checkpoint per architecture, the last; with the surrogates used "
    "here that defect is void"
)
_NO_LPIPS_NOTE = (
    "LPIPS is missing: its AlexNet trunk is not among the weights, so the cloak was priced with "
    "SSIM instead"
)
_METRICS: dict[str, Callable[[], Lpips | StLpips | None]] = {
    "auto": lambda: if_present(Lpips),
    "ssim": lambda: None,
    "lpips": Lpips,
    "st-lpips": st_lpips.load,
}


def build(
    member: str,
    surrogates: Sequence[Network],
    steps: Annotated[int, Ge(0)] | None = None,
    step_size: Annotated[float, Ge(0), Lt(math.inf)] | None = None,
    ssim_price: Annotated[float, Ge(0), Lt(math.inf)] | None = None,
    price: Literal["auto", "ssim", "lpips", "st-lpips"] = "auto",
) -> LowKey:
    """member: "", "published" or "released". price: the metric; `auto`: LPIPS where its trunk is,
    else SSIM. The rest overrides the variant's schedule.

    Raises: OptionError for a surrogate without gradients, MissingWeightsError for a metric that is
    named and absent, TamperedWeightsError.
    """
    if not surrogates:
        raise OptionError(
            "lowkey has no surrogates",
            expected="at least one recogniser to move away from",
            remedy=f"name one with {setting('surrogate')}",
        )
    for surrogate in surrogates:
        if not _has_gradients(surrogate):
            raise OptionError(
                f"surrogate {surrogate.card.name} is a black box",
                expected="surrogates that give gradients",
                remedy=f"name another with {setting('surrogate')}",
            )
    if ssim_price is None and all(surrogate.card.embedded for surrogate in surrogates):
        ssim_price = AGAINST_SMALL
    given = {"steps": steps, "step_size": step_size, "ssim_price": ssim_price}
    changes: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
    metric = _METRICS[price]()
    notes = [_RELEASED_NOTE] if member == "released" else []
    if price in ("ssim", "st-lpips"):
        notes.append(f"the cloak was priced with {price.upper()}: the paper's price is LPIPS")
    elif metric is None:
        notes.append(_NO_LPIPS_NOTE)
    schedule = replace(SCHEDULES[member], **changes)
    return LowKey(surrogates, schedule, metric, tuple(notes))


AGAINST_SMALL = 16.0
"""`ssim_price` where all surrogates are small networks of ours: they are easily moved, and at the
usual price the cloak would show more than it needs to (benchmarks/README.md)."""


def _has_gradients(surrogate: Network) -> bool:
    """Tried rather than believed: without gradients the cloak would silently do nothing."""
    size, device = (1, 3, FACE_SIZE, FACE_SIZE), device_of(surrogate)
    face = torch.full(size, 0.5, device=device, requires_grad=True)
    return not surrogate.card.black_box and AtArcFace(surrogate)(face).requires_grad


class LowKey:
    """The cloak of the module's docstring."""

    def __init__(
        self,
        surrogates: Sequence[Network],
        schedule: Schedule,
        metric: Lpips | StLpips | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        """metric: what prices the cloak; None: SSIM."""
        self.surrogates, self.schedule = tuple(surrogates), schedule
        self.metric = metric and metric.to(device_of(self.surrogates[0]))
        self.about = CloakAbout(
            released=datetime.date(2021, 1, 20), notes=notes, against=self.surrogates
        )

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """As `Cloak`."""
        s, device = self.schedule, device_of(self.surrogates[0])
        clean = faces.images.to(device)
        if s.steps == 0:
            return faces.images.clone()
        plain = [AtArcFace(f) for f in self.surrogates]
        averaged = [FlipAveraged(f) for f in plain]
        embed: Sequence[Callable[[Images], Tensor]] = plain if s.in_turn else averaged
        with torch.no_grad():
            home = [[f(x) for f in embed] for x in (clean, clean.flip(-1))]
        cloaked = clean + _start_noise(faces, s.start, rng).to(device)
        price = self._price(clean)
        for step in range(s.steps):
            if s.clamp_each_step:
                cloaked = cloaked.clamp(0, 1)
            cloaked.requires_grad_()
            gain = -price(cloaked)
            for smoothed, mirrored in [_VIEWS[step % 4]] if s.in_turn else _VIEWS[:2]:
                view = smooth(cloaked, 7, 3.0) if smoothed else cloaked
                view = view.flip(-1) if mirrored else view
                weight = (2 if s.in_turn else 1) / len(embed)
                for f, there in zip(embed, home[mirrored], strict=True):
                    gain = gain + weight * (f(view) - there).pow(2).sum()
            (slope,) = torch.autograd.grad(gain, cloaked)
            cloaked = cloaked.detach() + s.step_size * slope.sign()
        return cloaked.clamp(0, 1).cpu()

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


def _start_noise(faces: Faces, width: float, rng: Generator) -> Tensor:
    """Uniform in [-width, width], drawn for each picture by itself."""
    shape = faces.images.shape[1:]
    return (
        torch.stack([torch.rand(shape, generator=per_picture(rng, d)) for d in faces.digests])
        .mul(2 * width)
        .sub(width)
    )
