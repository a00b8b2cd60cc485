"""LowKey (Cherepanova et al., ICLR 2021, arXiv 2101.07922, Section 4 and `lowkey_gradio`).

Moves a face's embedding away from where it was, under several surrogates at once, for the
picture as it is and smoothed, at a perceptual price:

    maximise over x'
        1/n sum_i sum_views |f_i(A(x)) - f_i(A(view(x')))|^2  -  price * visible(x, x')

with A the alignment and views x' and G(x'), G Gaussian smoothing. (The paper's halves are left
out: ascent by the sign of the gradient does not see a common factor.) Its variants:

- `lowkey`: the affordable schedule: 25 steps of 0.005, each looking at one of four views in turn
  (the face, smoothed or not, mirrored or not). Half the cost of two views at every step, and as
  much protection at equal DSSIM (benchmarks/README.md).
- `lowkey:published`: 50 steps of 0.0025, mirror images averaged at every step, and LPIPS half
  on the aligned face, half on the whole picture.
- `lowkey:released`: published, with the released code's defects: clamped to [0, 1] only after
  the last step, and LPIPS of the first picture of a batch only. (Its third, one checkpoint per
  architecture, concerns its own ensemble and is void with other surrogates.)
- `lowkey:small`: the default schedule with half its step: the paper shows a smaller attack, too,
  but not its numbers, so these are ours.

Visible is LPIPS, or 1 - SSIM on the aligned face where LPIPS has no trunk; `price` may name either,
or ST-LPIPS. `smoothing=false` leaves G out, as the paper's ablation does.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from annotated_types import Ge, Lt
from torch import Generator

from lowkey_core.cloaking import limits
from lowkey_core.cloaking.loop import Problem, climb, free, nan_where_lost
from lowkey_core.cloaking.lowkey import Objective, Schedule
from lowkey_core.cloaking.rules import by_sign
from lowkey_core.cloaking.surrogates import checked
from lowkey_core.cloaks import CloakAbout
from lowkey_core.faces import st_lpips
from lowkey_core.faces.st_lpips import StLpips
from lowkey_core.faces.visibility import Lpips, if_present
from lowkey_core.types import Faces, Images, Network
from lowkey_core.work.runtime import device_of

MEMBERS = ("", "small", "published", "released")
SCHEDULES = {
    "": Schedule(),
    "small": Schedule(step_size=0.0025),
    "published": Schedule(steps=50, step_size=0.0025, in_turn=False),
    "released": Schedule(
        steps=50,
        step_size=0.0025,
        in_turn=False,
        clamp_each_step=False,
        price_first_only=True,
    ),
}

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
    smoothing: bool | None = None,
    until: Annotated[float, Ge(-1), Lt(1)] | None = None,
) -> LowKey:
    """member: one of MEMBERS. price: the metric; `auto`: LPIPS where its trunk is, else SSIM.
    until: stop early where no surrogate's cosine to the clean face is above it. The rest overrides
    the variant's schedule.

    Raises: OptionError for a surrogate without gradients, MissingWeightsError for a metric that is
    named and absent, TamperedWeightsError.
    """
    checked(surrogates, "lowkey")
    if ssim_price is None and all(surrogate.card.embedded for surrogate in surrogates):
        ssim_price = AGAINST_SMALL
    given = {
        "steps": steps,
        "step_size": step_size,
        "ssim_price": ssim_price,
        "smoothing": smoothing,
        "until": until,
    }
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
        if s.steps == 0:
            return faces.images.clone()
        clean = faces.images.to(device)
        noise = limits.uniform(faces.images.shape[1:], s.start, rng, faces.digests)
        objective = Objective(self.surrogates, s, self.metric, clean)
        climbed = climb(
            Problem(
                start=clean + noise.to(device),
                steps=s.steps,
                objective=objective,
                rule=by_sign(s.step_size),
                within=limits.pixels if s.clamp_each_step else free,
                reached=None if s.until is None else objective.reached,
            ),
            faces.names,
        )
        return nan_where_lost(climbed.variable.clamp(0, 1), climbed.lost).cpu()
