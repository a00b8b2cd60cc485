"""Attacks of ART (Adversarial Robustness Toolbox 1.20.1) as cloaks, within an L-infinity budget.

- `art:fgsm`: one step by the gradient's sign (Goodfellow et al. 2014, arXiv 1412.6572).
- `art:pgd`: projected gradient descent (Madry et al. 2017, arXiv 1706.06083).
- `art:mim`: with momentum, decay 1.0 (Dong et al. 2017, arXiv 1710.06081).
- `art:autopgd`: with steps that adapt (Croce and Hein 2020, arXiv 2003.01690). It attacks an
  identification head: who is it, of the picture itself and up to 20 other people?
- `art:feature`: towards another person's picture (Sabour et al. 2015, arXiv 1511.05122).

The first three ascend 1 - cosine to the clean embedding, from a start drawn uniformly within the
budget: at the clean picture itself that gradient is zero. Several surrogates are one network, whose
cosine is the mean of theirs (`networks.art.Embedder`).
"""

from __future__ import annotations

import datetime
import importlib.metadata
import logging
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, Le
from torch import Generator, Tensor

from lowkey_core.cloaking import art, limits
from lowkey_core.cloaking.loop import nan_where_lost
from lowkey_core.cloaking.others import Others
from lowkey_core.cloaking.surrogates import checked
from lowkey_core.cloaks import Budget, CloakAbout
from lowkey_core.errors import OptionError
from lowkey_core.types import Faces, Images, Network

log = logging.getLogger(__name__)

RELEASED = {
    "fgsm": datetime.date(2014, 12, 20),
    "pgd": datetime.date(2017, 6, 19),
    "mim": datetime.date(2017, 10, 17),
    "autopgd": datetime.date(2020, 3, 3),
    "feature": datetime.date(2015, 11, 16),
}
"""The first version of each paper."""
MEMBERS = tuple(RELEASED)
STEPS, STRIDES = 25, 2.5
"""Steps, if not told, and how often all of them together cross the budget: ours, as for PGD."""
PEOPLE, LEAST = 20, 2
"""Other people, and how few they may be besides the own."""
_ASCENDING = {
    "fgsm": "FastGradientMethod",
    "pgd": "ProjectedGradientDescent",
    "mim": "MomentumIterativeMethod",
}
_NOTES = {
    "autopgd": "art:autopgd attacks an identification head: each picture's own embedding among "
    f"those of {PEOPLE} other people at most",
    "feature": f"art:feature moves each picture towards one of {PEOPLE} other people at most",
}


def build(
    member: str,
    surrogates: Sequence[Network],
    others: Others,
    eps: Annotated[float, Ge(1 / 255), Le(1)] = 8 / 255,
    step: Annotated[float, Gt(0), Le(1)] | None = None,
    steps: Annotated[int, Ge(0)] | None = None,
) -> Art:
    """member: one of MEMBERS. eps: how far a pixel may go, on the [0, 1] scale; only whole grey
    levels of it are used. step: how far at a time; None: 2.5 * eps / steps, and 2 * eps, which is
    only the first, for `autopgd`. steps: None: 25, and 1, which is the most, for `fgsm`.

    Raises: OptionError for a surrogate without gradients, or more steps than there can be.
    """
    if steps is None:
        steps = 1 if member == "fgsm" else STEPS
    if member == "fgsm" and steps > 1:
        raise OptionError(
            f"steps of 'art:fgsm' is {steps}",
            expected="1, or 0 for none",
            remedy="use art:pgd, which takes more",
        )
    eps = limits.whole_levels(eps)
    if step is None:
        step = 2 * eps if member == "autopgd" else STRIDES * eps / max(1, steps)
    networks = checked(surrogates, f"art:{member}")
    return Art(member, art.Setting(networks, eps, step, steps), others)


class Art:
    """The cloak of the module's docstring."""

    def __init__(self, member: str, setting: art.Setting, others: Others) -> None:
        """member: one of MEMBERS. setting: its budget in whole grey levels; no steps: no cloak."""
        self.member, self.setting = member, setting
        self.others = None if member in _ASCENDING else others
        self.version = importlib.metadata.version("adversarial-robustness-toolbox")
        self.about = CloakAbout(
            released=RELEASED[member],
            notes=(_NOTES[member],) if member in _NOTES else (),
            against=setting.surrogates,
            budget=Budget(linf=setting.eps),
            aims=self.others is not None,
        )

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """As `Cloak`; a picture whose embedding is no longer finite is all NaN.

        Raises: DatasetError where there are fewer than LEAST other people.
        """
        s = self.setting
        if not s.steps or not len(faces):
            return faces.images.clone()
        if self.others is None:
            found = art.ascend(_ASCENDING[self.member], s, faces, rng)
        else:
            attack = {"autopgd": art.autopgd, "feature": art.feature}[self.member]
            found = attack(s, faces, guides(self.others, faces.identities, self.member), rng)
        within = limits.ball(faces.images, s.eps)
        cloaked = within(torch.from_numpy(np.asarray(found, dtype=np.float32)))
        lost = ~s.embed(cloaked).isfinite().all(1)
        for row in lost.nonzero().flatten().tolist():
            log.warning(
                "%s: the numbers were not finite within %d steps", faces.names[row], s.steps
            )
        return nan_where_lost(cloaked, lost)


def guides(others: Others, identities: Tensor, member: str) -> Faces:
    """The first picture of each of PEOPLE others at most: LEAST at least besides each of
    `identities`. Raises: DatasetError."""
    for own in identities.unique().tolist():
        others.besides(own, LEAST, f"art:{member}")
    them = others.faces.identities
    firsts = [(them == who).nonzero()[0, 0] for who in others.people[:PEOPLE]]
    return others.faces.select(torch.stack(firsts))
