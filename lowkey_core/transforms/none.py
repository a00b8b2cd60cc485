"""An 8-bit file without loss: what everything else is measured against."""

from __future__ import annotations

from lowkey_core.types import Pixels, Transform


def build() -> Transform:
    """Takes no options."""
    return unchanged


def unchanged(pixels: Pixels) -> Pixels:
    """The pixels as they are."""
    return pixels
