"""Enrolling everything that was scraped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from adversaries import System
from lowkey_core.types import Pictures, Recognition
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.work import Work


@dataclass(frozen=True)
class EnrolAll:
    """Enrols every picture, suspects none."""

    recognition: Recognition
    learned: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, scraped: Pictures, /) -> System:
        """As `Prepared`."""
        gallery = self.recognition.enrol(scraped)
        flagged = torch.zeros(len(scraped)).bool()
        return System(gallery, scraped, flagged, recognition=self.recognition)


def facts(background: Pictures, cloaked: Pictures | None, work: Work) -> dict[str, float]:
    """What a report says of learning from some pictures and their cloaked copies; None: from clean
    pictures alone."""
    counts = {"pictures": float(len(background)), "identities": float(len(background.people))}
    if cloaked is None:
        return counts
    pairs = zip(background.digests, cloaked.digests, strict=True)
    changes = work.per_item(
        "comparing copies",
        largest_change,
        [fingerprint(*pair) for pair in pairs],
        lambda rows: torch.stack([p.faces(rows=rows) for p in (background, cloaked)], 1),
    )
    return {**counts, "cloaked_seen": (changes > _ROUNDING).float().mean().item()}


_ROUNDING = 1.5 / 255
"""A picture that differs by more is cloaked: did the adversary see any cloak?"""


def largest_change(pairs: Tensor) -> Tensor:
    """(n, 1): of pictures and their copies, (n, 2, 3, 112, 112)."""
    return (pairs[:, 0] - pairs[:, 1]).abs().amax((1, 2, 3))[:, None]
