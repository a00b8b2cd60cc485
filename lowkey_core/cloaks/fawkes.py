"""Fawkes (Shan et al., USENIX Security 2020), in its two released versions.

`fawkes:v0.3:mode=high` moves a person's pictures towards another person:

    minimise  1e9 * sum max(DSSIM - th, 0)^2  +  sum_i |f_i(t) - f_i(x')| / |f_i(t)|

where f(t) = f(x) + 2 * (centre of the target's pictures - centre of the person's), the target
random among the 20 of the other people that are farthest. DSSIM is measured at 224 pixels, the
iterate nearest to f(t) is kept whatever its DSSIM, and the rate falls to 0.8 of itself after the
step at each third of them.

`fawkes:v1.0:mode=high` moves each picture away from itself:

    minimise  1e7 * sum max(DSSIM - th, 0)^2  -  sum kappa * sum_i |f_i(x') - f_i(x)|^2 / |f_i(x)|

no pixel by more than 15 grey levels, DSSIM at 112 pixels. kappa, one for each picture, is doubled
while DSSIM is below 0.9 of the threshold, and halved while it is above 1.1. The farthest iterate
with DSSIM of at most 1.1 times the threshold is kept.

Both move in tanh space with Adadelta. v0.3 chooses among what every step led to; v1.0 among the
iterates that a gradient was taken of: the start, and what the steps but the last led to. Of the
released code this differs in its extractors, which are the surrogates (`low` of v1.0 has the first
one only), in that their embeddings have unit length in v0.3, too, and in that faces are aligned to
112 pixels.
`paste_back=released` has v1.0's defect: face and cloaked face are each stretched to the whole range
of grey levels before their difference is added to the photo.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Le
from torch import Generator, Tensor

from lowkey_core.cloaking import limits
from lowkey_core.cloaking.fawkes import CLIP, TOGETHER, Away, Settings, Towards
from lowkey_core.cloaking.loop import Problem, climb, nan_where_lost
from lowkey_core.cloaking.others import Others, centres
from lowkey_core.cloaking.surrogates import checked
from lowkey_core.cloaks import Budget, CloakAbout
from lowkey_core.content import per_picture
from lowkey_core.errors import OptionError
from lowkey_core.networks.flip import AtArcFace
from lowkey_core.types import Faces, Images, Network
from lowkey_core.work.runtime import device_of

MEMBERS = ("v1.0", "v0.3")
Mode = Literal["min", "low", "mid", "high", "ultra"]


MODES: dict[str, dict[str, Settings]] = {
    "v0.3": {
        "min": Settings(0.002, 20, 40),
        "low": Settings(0.003, 50, 35),
        "mid": Settings(0.005, 200, 20),
        "high": Settings(0.008, 500, 10),
        "ultra": Settings(0.01, 1000, 8),
    },
    "v1.0": {
        "low": Settings(0.004, 40, 25, extractors=1),
        "mid": Settings(0.012, 75, 20),
        "high": Settings(0.017, 150, 15),
    },
}
RELEASED = {"v0.3": datetime.date(2020, 7, 1), "v1.0": datetime.date(2021, 1, 1)}
FAR, LEAST = 20, 2
"""Among how many of the farthest people v0.3 chooses; with how few it is content."""


def build(
    member: str,
    surrogates: Sequence[Network],
    others: Others,
    mode: Mode | None = None,
    steps: Annotated[int, Ge(0)] | None = None,
    threshold: Annotated[float, Gt(0), Le(0.5)] | None = None,
    paste_back: Literal["exact", "released"] = "exact",
) -> Fawkes:
    """member: "v1.0" or "v0.3". mode: of that version, else "high" (v1.0) or "min" (v0.3), its
    default. steps, threshold: instead of the mode's. paste_back: see the module.

    Raises: OptionError.
    """
    modes = MODES[member]
    chosen = mode or ("min" if member == "v0.3" else "high")
    if chosen not in modes:
        raise OptionError(
            f"fawkes:{member} has no mode {chosen!r}",
            expected="one of: " + ", ".join(modes),
            remedy=f"name one, as fawkes:{member}:mode=mid",
        )
    if paste_back == "released" and member != "v1.0":
        raise OptionError(
            f"paste_back is released for fawkes:{member}",
            expected="fawkes:v1.0, whose defect that is",
            remedy="leave paste_back out",
        )
    settings = modes[chosen]
    networks = checked(surrogates, "fawkes")[: settings.extractors]
    settings = replace(
        settings,
        steps=settings.steps if steps is None else steps,
        threshold=threshold or settings.threshold,
    )
    return Fawkes(member, networks, settings, others, stretched=paste_back == "released")


class Fawkes:
    """The cloak of the module's docstring."""

    def __init__(
        self,
        version: str,
        surrogates: Sequence[Network],
        settings: Settings,
        others: Others,
        *,
        stretched: bool = False,
    ) -> None:
        """stretched: with the defect of v1.0's paste-back."""
        self.version, self.surrogates, self.settings = version, tuple(surrogates), settings
        self.others = others if version == "v0.3" else None
        self.stretched = stretched
        self.about = CloakAbout(
            released=RELEASED[version],
            notes=(_NOTE[version].format(th=settings.threshold),),
            unit="identity" if version == "v0.3" else "picture",
            against=self.surrogates,
            aims=version == "v0.3",
            budget=Budget(
                dssim=settings.threshold, linf=CLIP if version == "v1.0" and not stretched else None
            ),
        )

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """As `Cloak`. Raises: DatasetError where v0.3 has too few other people."""
        s, clean = self.settings, faces.images.to(device_of(self.surrogates[0]))
        if not s.steps:
            return faces.images.clone()
        embed = [AtArcFace(f) for f in self.surrogates]
        if self.others is None:
            objective: Away | Towards = Away(clean, embed, s)
            start = limits.uniform(faces.images.shape[1:], 1e-4, rng, faces.digests).to(clean)
        else:
            goals = _goals(faces, embed, self.others, rng)
            objective = Towards(clean, embed, s, goals)
            start = torch.full_like(clean, 1e-6)
        climbed = climb(
            Problem(
                start=start,
                steps=s.steps,
                objective=objective,
                rule=objective.rule(),
                shown=objective.shown,
                together=TOGETHER,
            ),
            faces.names,
        )
        cloaked = objective.kept(climbed.variable)
        if self.stretched:
            cloaked = (clean + _stretched(cloaked) - _stretched(clean)).clamp(0, 1)
        return nan_where_lost(cloaked, climbed.lost).cpu()


_NOTE = {
    "v0.3": "fawkes:v0.3 keeps the iterate nearest to its target, whatever its DSSIM (threshold "
    "{th:g}); alone, a picture is its person's only one",
    "v1.0": "fawkes:v1.0 stays at or below 1.1 x its DSSIM threshold of {th:g}, or keeps the last "
    "iterate where that is farther and below 0.015",
}


def _stretched(images: Images) -> Images:
    """Each picture over the whole range of grey levels."""
    flat = images.flatten(1)
    low, high = (edge.view(-1, 1, 1, 1) for edge in (flat.amin(1), flat.amax(1)))
    return (images - low) / (high - low).clamp(min=1e-6)


@torch.no_grad()
def _goals(
    faces: Faces, embed: Sequence[AtArcFace], others: Others, rng: Generator
) -> list[Tensor]:
    """f(t) for each surrogate: (n, d). Raises: DatasetError."""
    device, them = device_of(embed[0]), others.faces
    own = [torch.cat([f(p.to(device)) for p in faces.images.split(TOGETHER)]) for f in embed]
    their = [torch.cat([f(p.to(device)) for p in them.images.split(TOGETHER)]) for f in embed]
    goals = [e.clone() for e in own]
    for who in faces.identities.unique().tolist():
        rows = (faces.identities == who).nonzero().flatten()
        people = others.besides(who, LEAST, "fawkes:v0.3")
        middles = [centres(e, them.identities, people) for e in their]
        pairs = zip(own, middles, strict=True)
        near = sum(torch.cdist(e[rows], m).amin(0) for e, m in pairs)
        far = torch.as_tensor(near).argsort(descending=True, stable=True)[:FAR]
        draw = per_picture(rng, min(faces.digests[row] for row in rows.tolist()))
        target = int(far[int(torch.randint(len(far), (), generator=draw))])
        for goal, e, m in zip(goals, own, middles, strict=True):
            goal[rows] = e[rows] + 2 * (m[target] - e[rows].mean(0))
    return goals
