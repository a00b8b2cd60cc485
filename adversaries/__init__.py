"""Adversaries build recognition from scraped pictures. Each file exports `build(...)`.

`build` may ask by name for `work` (where finished work is kept) and `device` (where to train);
`epochs` (how long to train) and `flagged` ("drop" or "keep" pictures judged cloaked) are the plan's
unless the spec sets them; `stated` names the options that it sets. `of` is the adversary that the
spec names behind its `@`, built in the same way; without one, `adaptive`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch import Generator, Tensor

from lowkey_core.plugins import Kind
from lowkey_core.spec import Plain, Spec, parse
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
    recognition: Recognition | None = None
    """What it enrolled them with; None if it is no single one."""


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
    scored_at: int = 1
    """The rank at which its control and protection are read: how many candidates it names as its
    answer."""
    trains_per_gallery: bool = False
    """It trains when it enrols. Such adversaries face scenario `all` and transform `none` only,
    with the first matcher, unless the plan asks for more; and the clean gallery alone where they
    fail there."""
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


USUAL = "adaptive"
"""What is built from another adversary is built from this one, where its spec names none."""


class AdversaryKind(Kind[Adversary]):
    """Adversaries may be built from adversaries: `ensemble:top2@adaptive`."""

    def load(
        self,
        spec: Spec | str,
        *,
        granted: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Plain] | None = None,
        content: bytes | None = None,
    ) -> Adversary:
        """As `Kind.load`; what follows the `@` is loaded first, and granted as `of`."""
        spec, given = parse(spec) if isinstance(spec, str) else spec, dict(granted or {})
        if self.find(spec, content).asks_for("of"):
            given["of"] = self.load(spec.of or USUAL, granted=granted, defaults=defaults)
        return super().load(spec, granted=given, defaults=defaults, content=content)


ADVERSARIES = AdversaryKind("adversary", "adversaries", promises=("prepare",))
