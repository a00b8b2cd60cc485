"""Purifiers by name: what takes cloaks off pictures, before they are enrolled or searched for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Generator

from adversaries import ThreatModel
from adversaries.parts import restoring
from adversaries.parts.filters import NonLocalMeans, Squeeze
from adversaries.parts.training import Recipe
from lowkey_core import transforms
from lowkey_core.errors import OptionError, unknown_name
from lowkey_core.publish.served import served
from lowkey_core.spec import Plain
from lowkey_core.types import Pictures, Transform
from lowkey_core.work.work import Work

Purifier = Callable[[Pictures], Pictures]
"""The same pictures in the same order, purified."""


@dataclass(frozen=True)
class Ready:
    """A purifier, and what a report says of its learning: nothing where it learned nothing."""

    purify: Purifier
    learned: Mapping[str, float] = field(default_factory=dict)


class Method(Protocol):
    """How to purify."""

    @property
    def said(self) -> str:
        """Behind "by"."""
        ...

    @property
    def uses_tool(self) -> bool:
        """Whether it runs the cloaking tool, to learn from it."""
        ...

    def ready(self, threat: ThreatModel, rng: Generator, /) -> Ready:
        """Learns if it must. Raises: NotPossibleError."""
        ...


@dataclass(frozen=True)
class OnPhotos:
    """A filter of the whole photo, after whatever platforms did to it. Learns nothing."""

    said: str
    transform: Transform
    name: str
    """The filter and its options: what was made with it is filed under that."""
    uses_tool: bool = False

    def ready(self, threat: ThreatModel, rng: Generator, /) -> Ready:
        """As `Method`; looks at neither."""
        del threat, rng
        return Ready(self)

    def __call__(self, pictures: Pictures, /) -> Pictures:
        """A `Purifier`. Faces stay where they were found."""
        return served(pictures, self.name, self.transform)


@dataclass(frozen=True)
class Learned:
    """`restoring`: a network of the adversary's own."""

    recipe: Recipe
    channels: int
    work: Work
    device: torch.device
    said: str = "a learned network"
    uses_tool: bool = True

    def ready(self, threat: ThreatModel, rng: Generator, /) -> Ready:
        """As `Method`."""
        purify, learned = restoring.learn(
            threat,
            self.recipe,
            rng,
            channels=self.channels,
            work=self.work,
            device=self.device,
        )
        return Ready(purify, learned)


DEFAULTS: Mapping[str, Mapping[str, Plain]] = {
    "squeeze": {"bits": 5, "median": 3, "sigma": 0.0},
    "jpeg": {"quality": 50},
    "resize": {"share": 0.5},
    "nlmeans": {"strength": 10.0},
    "learned": {"batch": 10, "channels": 64},
}
"""Options by method. All are ours but the bits (Xu et al.) and the quality (ART's default)."""
PASSES = 2
"""Of an epoch over the background, for what learns."""


def method(
    name: str, options: Mapping[str, Plain], work: Work, device: torch.device, epochs: int
) -> Method:
    """The method called so.

    options: those that are not to be as in DEFAULTS. epochs: of what learns, each is PASSES passes.
    Raises: UnknownNameError; OptionError for an option of another method, or without effect.
    """
    if name not in DEFAULTS:
        raise unknown_name("purifier", name, tuple(DEFAULTS))
    if strange := [option for option in options if option not in DEFAULTS[name]]:
        raise OptionError(
            f"purification by {name} has no option {strange[0]!r}",
            expected=f"one of: {', '.join(DEFAULTS[name])}",
            remedy="leave it out, or name the purifier that has it",
        )
    given = {**DEFAULTS[name], **options}
    match name:
        case "learned":
            recipe = Recipe(PASSES * epochs, int(given["batch"]), warm_up=0.1)
            return Learned(recipe, int(given["channels"]), work, device)
        case "squeeze":
            return _squeezing(int(given["bits"]), int(given["median"]), float(given["sigma"]))
        case "nlmeans":
            strength = float(given["strength"])
            said = f"non-local means {strength:g}"
            return OnPhotos(said, NonLocalMeans(strength), f"nlmeans:{strength:g}")
        case "resize":
            return _as_platforms("resizing to", f"resize:{float(given['share']):g}")
        case _:
            return _as_platforms("JPEG", f"jpeg:{given['quality']}")


def _as_platforms(said: str, name: str) -> OnPhotos:
    """What platforms do, too: it is filed under the same name."""
    return OnPhotos(f"{said} {name.partition(':')[2]}", transforms.load(name), name)


def _squeezing(bits: int, median: int, sigma: float) -> OnPhotos:
    parts = {
        f"{bits} bits": bits < 8,
        f"median {median}": median > 1,
        f"Gaussian {sigma:g}": sigma > 0,
    }
    done = ", ".join(part for part, is_done in parts.items() if is_done)
    if not done:
        raise OptionError(
            "purification by squeeze leaves pictures as they are",
            expected="bits below 8, a median above 1, or a sigma above 0",
            remedy="set one of them, or leave the adversary out",
        )
    return OnPhotos(f"squeezing ({done})", Squeeze(bits, median, sigma), f"squeeze:{done}")
