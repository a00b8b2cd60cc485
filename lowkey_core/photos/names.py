"""What cloaking tools, and programs that copy files, make of a photo's name."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BEHIND = re.compile(
    r"(_(low|mid|high))?_cloaked$|[_-](attacked|protected|lowkey)$|-glazed(-.*)?$"
    r"| \(\d+\)$| - Copy$| copy( \d+)?$",
    re.IGNORECASE,
)
"""Fawkes, LowKey, Glaze (which adds its settings); what Windows and macOS add to a second file."""
_BEFORE = re.compile(r"^(cloaked|attacked|protected|glazed|lowkey)[_ -]|^copy of ", re.IGNORECASE)
_MARKS = 4
"""So many marks are taken off, at most."""


def stems(stem: str) -> Iterator[str]:
    """A file's name without its suffix, and what is left as one mark after the other comes off."""
    yield stem
    for _ in range(_MARKS):
        left = _BEHIND.sub("", stem)
        if left == stem:
            left = _BEFORE.sub("", stem)
        if left in ("", stem):
            return
        yield left
        stem = left


def is_marked(stem: str) -> bool:
    """Whether the name says that a cloaking tool made the file."""
    return any(_CLOAKED.search(left) for left in stems(stem))


_CLOAKED = re.compile(r"_cloaked$|_attacked$|-glazed(-.*)?$", re.IGNORECASE)
