"""As a social network stores what a phone uploads: no longer than 2048 pixels, then JPEG of 85.

2048 is the largest size that Facebook keeps (photographylife.com, 2014, and guides since then); the
quality is ours. A photo on its side was turned upright when it was read, as by an upload. It is
scaled back to its size.
"""

from __future__ import annotations

from lowkey_core.transforms import load
from lowkey_core.types import Transform


def build() -> Transform:
    """Takes no options: `longest:1080@jpeg:75` is a network with other numbers."""
    return load("longest:2048@jpeg:85")
