"""How visible a cloak is: measured on each picture once, and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from audit.publishing import Publication
from audit.records import Quality
from audit.scene import Scene
from lowkey_core import weights
from lowkey_core.cloaks import Budget
from lowkey_core.faces import st_lpips, visibility
from lowkey_core.faces.st_lpips import StLpips
from lowkey_core.faces.visibility import Lpips, if_present
from lowkey_core.types import FACE_SIZE, Images, Pictures
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.work import Work


@dataclass(frozen=True)
class Ruler:
    """Every measure of visibility. Learned metrics are None where their weights are absent."""

    lpips: Lpips | None
    st_lpips: StLpips | None
    bound: float | None = None
    """Of every pixel, on the [0, 1] scale, that a cloak names."""

    @classmethod
    def present(cls) -> Ruler:
        """With every learned metric whose weights are there. Raises: TamperedWeightsError."""
        return cls(if_present(Lpips), if_present(st_lpips.load))

    @property
    def cards(self) -> tuple[weights.Card, ...]:
        """Of the learned metrics that are there."""
        return tuple(card for m in (self.lpips, self.st_lpips) if m is not None for card in m.cards)

    @property
    def measures(self) -> dict[str, Callable[[Images, Images], Tensor]]:
        """By the field in `Quality`; each takes (n, 3, 112, 112) twice and gives (n,)."""
        learned = {"lpips": self.lpips, "st_lpips": self.st_lpips}
        return {
            "dssim": visibility.dssim,
            "psnr": visibility.psnr,
            "l2": visibility.l2,
            "linf": visibility.linf,
            **{name: metric for name, metric in learned.items() if metric is not None},
            **({} if self.bound is None else {"at_bound": partial(at_bound, self.bound)}),
        }

    def __call__(self, pairs: Tensor) -> Tensor:
        """(n, measures): of clean and cloaked faces, (n, 2, 3, 112, 112), 8-bit values."""
        clean, cloaked = (faces.contiguous() for faces in pairs.unbind(1))
        return torch.stack([measure(clean, cloaked) for measure in self.measures.values()], 1)


def at_bound(bound: float, a: Images, b: Images) -> Tensor:
    """(n,): the share of values that changed by `bound` or more, to within a grey level."""
    return ((a - b).abs() >= bound - 1.01 / 255).flatten(1).float().mean(1)


OVER = 1.1
"""Times its threshold, from which on a picture is over it: Fawkes' own band."""


def quality(
    attack: str,
    clean: Pictures,
    cloaked: Pictures,
    ruler: Ruler,
    work: Work,
    threshold: float | None = None,
) -> Quality:
    """How visible a cloak is on these pictures. No photo is read again that is known already.

    threshold: of DSSIM, that the cloak names.
    """
    each = per_picture(clean, cloaked, ruler, work)
    means = {name: float(values.mean()) for name, values in each.items()}
    return Quality(
        attack=attack,
        pictures=len(clean),
        dssim=means["dssim"],
        dssim_max=float(each["dssim"].max()),
        psnr=means["psnr"],
        l2=means["l2"],
        linf=float(each["linf"].max()),
        lpips=means.get("lpips"),
        st_lpips=means.get("st_lpips"),
        over_threshold=None
        if threshold is None
        else float((each["dssim"] > OVER * threshold).float().mean()),
        at_bound=means.get("at_bound"),
    )


def per_picture(clean: Pictures, cloaked: Pictures, ruler: Ruler, work: Work) -> dict[str, Tensor]:
    """(n,) by measure; without pictures one row, of a face that nothing changed."""
    label = "measuring visibility" + ("" if ruler.bound is None else ", and how much is at a bound")
    rows = (
        work.per_item(
            label,
            ruler,
            [fingerprint(*pair) for pair in zip(clean.digests, cloaked.digests, strict=True)],
            lambda rows: torch.stack([p.faces(rows=rows) for p in (clean, cloaked)], 1),
            batch=TOGETHER,
        )
        if len(clean)
        else ruler(torch.zeros(1, 2, 3, FACE_SIZE, FACE_SIZE))
    )
    return dict(zip(ruler.measures, rows.T.contiguous(), strict=True))


def visible(scene: Scene, published: Sequence[Publication], ruler: Ruler) -> dict[str, Quality]:
    """How visible each audited cloak and each control is, by name."""
    clean, found = scene.photos.gallery, dict[str, Quality]()
    budgets = {tool.name: tool.about.budget for tool in scene.tools}
    for p in published:
        if (p.of or p.attack) not in budgets:
            continue
        own = budgets.get(p.attack, Budget())
        pair = (clean.select(p.covered), p.gallery.select(p.covered))
        measures = replace(ruler, bound=own.linf)
        found[p.attack] = quality(p.attack, *pair, measures, scene.work, own.dssim)
    return found


TOGETHER = 32
"""Pairs of faces that are measured at once."""
