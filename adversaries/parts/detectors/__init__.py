"""Detectors of cloaks: each learns, and then says how cloaked pictures look. One file each."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from adversaries.parts.detectors.lesson import Lesson
from adversaries.parts.training import Recipe
from lowkey_core.types import Pictures
from lowkey_core.weights import Card


class Look(Protocol):
    """A detector that has learned."""

    def __call__(self, pictures: Pictures, /) -> Tensor:
        """pictures: n of them, at least one, as they were scraped. Returns (n,) float32, finite:
        how cloaked each looks, on a scale of the detector's own, higher is more cloaked."""
        ...


class Detector(Protocol):
    """Has learned nothing yet."""

    @property
    def uses_tool(self) -> bool:
        """Whether it is shown cloaked copies."""
        ...

    @property
    def trains(self) -> bool:
        """Whether it learns from pictures at all. One that does not leaves the whole background to
        the threshold."""
        ...

    @property
    def question(self) -> str:
        """That its figures answer."""
        ...

    @property
    def cards(self) -> tuple[Card, ...]:
        """Of networks that it starts from."""
        ...

    def recipe(self, epochs: int, batch: int) -> Recipe:
        """How it trains, from the plan's epochs."""
        ...

    def learn(self, lesson: Lesson, /) -> Look:
        """Raises: NotPossibleError."""
        ...
