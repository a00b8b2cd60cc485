"""No cloak at all: what every other one is measured against."""

from __future__ import annotations

from torch import Generator

from lowkey_core.types import Images, Pictures


def build() -> Nothing:
    """Takes no options."""
    return Nothing()


class Nothing:
    """Publishes pictures as they are."""

    def __call__(self, pictures: Pictures, rng: Generator, /) -> Images:
        """A copy of `pictures.images`."""
        del rng
        return pictures.images.clone()
