"""As lists of photos show it: no longer than 320 pixels, then JPEG of quality 80. The numbers are
ours. The photo is scaled back to its size."""

from __future__ import annotations

from lowkey_core.transforms import load
from lowkey_core.types import Transform


def build() -> Transform:
    """Takes no options: `longest:160@jpeg:80` is a smaller one."""
    return load("longest:320@jpeg:80")
