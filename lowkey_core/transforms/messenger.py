"""As a messenger sends a photo: no longer than 1600 pixels, then JPEG of quality 70.

The numbers are what guides report of WhatsApp's standard quality in 2026 (1600 pixels, qualities
from 50 to 80); WhatsApp itself states none. The photo is scaled back to its size.
"""

from __future__ import annotations

from lowkey_core.transforms import load
from lowkey_core.types import Transform


def build() -> Transform:
    """Takes no options: `longest:1280@jpeg:60` is a messenger with other numbers."""
    return load("longest:1600@jpeg:70")
