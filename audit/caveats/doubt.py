"""How a caveat that does not block is made."""

from __future__ import annotations

from audit.records import Caveat

NO_CLOAK = "none"
"""The cloak that changes nothing, and is not doubted for it: others are measured against it."""


def doubt(code: str, text: str) -> Caveat:
    """code: names its kind; text: a sentence."""
    return Caveat(code=code, blocking=False, text=text)
