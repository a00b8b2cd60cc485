"""Numbers in words that a person understands. The bounds are ours."""

from __future__ import annotations

import math

HARDLY, SLIGHTLY = 0.01, 0.03
"""DSSIM of the most visible face up to which its change is hardly, or slightly, visible: `lowkey`
of an audit has about 0.03."""
_LIKE = ((0.9, "much the same"), (0.6, "still alike"), (0.3, "rather unlike"))
"""Cosine likeness from which a recogniser is said to find two pictures so."""


def visible(dssim: float) -> str:
    """How a person sees the change."""
    if dssim <= HARDLY:
        return "hardly visible"
    return "slightly visible" if dssim <= SLIGHTLY else "plainly visible when you look closely"


def alike(cosine: float) -> str:
    """How like a recogniser finds two pictures."""
    return next((word for bound, word in _LIKE if cosine >= bound), "unlike")


def time_left(seconds: float | None) -> str:
    """`about 40 s left`; "" where nobody knows."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {max(1, math.ceil(seconds))} s left"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min left"
    return f"about {seconds / 3600:.1f} h left"


def megabytes(size: int) -> str:
    """`3.2 MB`."""
    return f"{size / 1e6:.1f} MB"


def said_on_a_page(text: str) -> str:
    """A part of an error's text as a sentence, without the paths of this machine."""
    words = " ".join("the photos" if word.startswith("/") else word for word in text.split(" "))
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!")) else ".")
