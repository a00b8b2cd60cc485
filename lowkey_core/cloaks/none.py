"""No cloak at all: what every other one is measured against."""

from __future__ import annotations

from torch import Generator

from lowkey_core.cloaks import CloakAbout
from lowkey_core.types import Faces, Images


def build() -> Nothing:
    """Takes no options."""
    return Nothing()


class Nothing:
    """Publishes pictures as they are."""

    about = CloakAbout()

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """A copy of `faces.images`."""
        del rng
        return faces.images.clone()
