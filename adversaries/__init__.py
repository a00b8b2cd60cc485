"""Adversaries build recognition from scraped pictures. Each file exports `build(...)`.

`build` may ask by name for what every audit offers: `work` (where finished work is kept),
`epochs` (how long to train), `flagged` ("drop" or "keep" pictures judged cloaked).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Generator, Tensor

from lowkey_core.matchers import ranking
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.types import Cloak, Embedder, Faces, Images, Matcher, Pictures
from lowkey_core.work.work import Work


@dataclass(frozen=True)
class ThreatModel:
    """All that an adversary is granted."""

    embedder: Embedder
    """The recogniser it starts from."""
    matcher: Matcher
    background: Pictures
    """Its own clean pictures; no protected identity is among them."""
    cloak: Cloak
    """The public cloaking tool, as a black box. It takes pictures of `background` as they are."""


@dataclass(frozen=True)
class Recogniser:
    """What an adversary made of the pictures it scraped."""

    gallery: Faces
    """What it enrolled."""
    identify: Callable[[Images], Tensor]
    """Probes (p, 3, 112, 112) to identities (p, c) int64, best first."""
    flagged: Tensor
    """(n_scraped,) bool: judged cloaked."""
    suspicion: Tensor | None = None
    """(n_scraped,) float: how cloaked each picture looks; None if it does not look."""


class Enrol(Protocol):
    """An adversary that has learned, and now faces any gallery."""

    def __call__(self, scraped: Faces, /) -> Recogniser:
        """scraped: labelled pictures of the web, clean or cloaked; it is not told which."""
        ...


class Adversary(Protocol):
    """Learns once, from what `ThreatModel` grants; what it learned serves both arms."""

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Enrol:
        """`rng` seeds all that is random in the learning."""
        ...


@dataclass(frozen=True)
class FeatureEnrol:
    """Enrols by embedding: a fixed extractor, and a matcher fitted to the gallery."""

    embedder: FlipAveraged
    matcher: Matcher
    work: Work
    learned: Mapping[str, float] = field(default_factory=dict)
    """What the report says of the learning; `cloaked_seen` is the share of background pictures
    that the cloak really changed."""

    def __call__(self, scraped: Faces, /) -> Recogniser:
        """Enrols everything."""
        return Recogniser(scraped, self.identifier(scraped), torch.zeros(len(scraped)).bool())

    def identifier(self, gallery: Faces) -> Callable[[Images], Tensor]:
        """`Recogniser.identify` for this gallery; an empty one knows nobody."""
        known = gallery.identities.unique()
        if len(gallery) == 0:
            return lambda probes: known.expand(len(probes), 0)
        score = self.matcher(self.embedder.embed(gallery, self.work), gallery.identities)

        def identify(probes: Images) -> Tensor:
            faces = Faces(probes, torch.full((len(probes),), -1))
            return ranking(score(self.embedder.embed(faces, self.work)), known)

        return identify


def cloaked_seen(clean: Images, cloaked: Images) -> float:
    """Share of pictures that differ by more than rounding: did the adversary see any cloak?"""
    return ((clean - cloaked).abs().amax((1, 2, 3)) > 1.5 / 255).float().mean().item()
