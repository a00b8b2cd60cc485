"""Adversaries build recognition from scraped pictures. Each file exports `build(...)`.

`build` may ask by name for `work` (where finished work is kept) and `device` (where to train);
`epochs` (how long to train) and `flagged` ("drop" or "keep" pictures judged cloaked) are the plan's
unless the spec sets them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Generator, Tensor

from lowkey_core.plugins import Kind
from lowkey_core.types import Gallery, Pictures, Recognition
from lowkey_core.weights import Card


@dataclass(frozen=True)
class ThreatModel:
    """All that an adversary is granted."""

    recognition: Recognition
    """What it starts from."""
    background: Pictures
    """Its own clean pictures; no protected identity is among them."""
    tool: Callable[[Pictures, Generator], Pictures]
    """The public cloaking tool, as a black box. Raises: NotPossibleError where an adversary cannot
    run it."""


@dataclass(frozen=True)
class System:
    """What an adversary made of the pictures it scraped."""

    gallery: Gallery
    """What it enrolled, ready to be searched."""
    kept: Pictures
    """The pictures in it."""
    flagged: Tensor
    """(n_scraped,) bool: judged cloaked."""
    suspicion: Tensor | None = None
    """(n_scraped,) float32: how cloaked each picture looks; None if it does not look."""


@dataclass(frozen=True)
class AdversaryAbout:
    """What an adversary says of itself."""

    question: str
    """That its figures answer: "Does it survive robust retraining?"."""
    phrase: str = ""
    """What is said of its figures, behind the recogniser's name."""
    tries: Literal["first", "all"] = "first"
    """Whether it starts from the plan's first recogniser, or tries each."""
    uses_tool: bool = True
    """False: it never calls the cloaking tool, so it learns once for all cloaks, and also faces
    the noise control."""
    faces: Literal["own", "all"] = "own"
    """Of an adversary that runs the tool: whether it faces the cloak that it learned about, or also
    the audited cloaks that the plan has it not learn about."""
    cards: tuple[Card, ...] = ()
    """Of networks that it starts from, beside the recogniser."""


class Prepared(Protocol):
    """An adversary that has learned, and now faces any gallery."""

    @property
    def learned(self) -> Mapping[str, float]:
        """What the report says of the learning; `cloaked_seen` is the share of the background
        pictures that the cloak really changed. Empty if it learned nothing."""
        ...

    def __call__(self, scraped: Pictures, /) -> System:
        """scraped: labelled pictures of the web, clean or cloaked; it is not told which."""
        ...


class Adversary(Protocol):
    """Learns once, from what `ThreatModel` grants; what it learned serves both arms."""

    @property
    def about(self) -> AdversaryAbout:
        """What it says of itself."""
        ...

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Prepared:
        """`rng` seeds all that is random in the learning. Raises: NotPossibleError."""
        ...


ADVERSARIES: Kind[Adversary] = Kind("adversary", "adversaries", promises=("prepare",))
