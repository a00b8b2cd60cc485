"""Enrolling everything that was scraped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from adversaries import System
from lowkey_core.types import Images, Pictures, Recognition


@dataclass(frozen=True)
class EnrolAll:
    """Enrols every picture, suspects none."""

    recognition: Recognition
    learned: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, scraped: Pictures, /) -> System:
        """As `Prepared`."""
        gallery = self.recognition.enrol(scraped)
        return System(gallery, scraped, torch.zeros(len(scraped)).bool())


def facts(background: Pictures, cloaked: Pictures) -> dict[str, float]:
    """What a report says of learning from these pictures and their cloaked copies."""
    return {
        "pictures": float(len(background)),
        "identities": float(len(background.people)),
        "cloaked_seen": cloaked_seen(background.faces(), cloaked.faces()),
    }


def cloaked_seen(clean: Images, cloaked: Images) -> float:
    """Share of pictures that differ by more than rounding: did the adversary see any cloak?"""
    return ((clean - cloaked).abs().amax((1, 2, 3)) > 1.5 / 255).float().mean().item()
