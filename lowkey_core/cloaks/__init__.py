"""Cloaks. Each file exports `build(...) -> Cloak`, and may ask for `surrogates` by name.

A cloak keeps shape, range and its input; what counts is what is left of it in an 8-bit file.
A cloak may say more of itself: `released` (a date: recognisers after it are newer) and `notes`
(sentences for the report).
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from lowkey_core import plugins
from lowkey_core.types import Cloak, Embedder


def load(
    name: str,
    surrogates: Sequence[Embedder],
    options: Mapping[str, Any],
    copied: Cloak | None = None,
) -> Cloak:
    """The cloak called `name`, or a user's `.py` file. Raises: UnknownNameError, OptionError.

    copied: the copies that `folder` takes its pictures from.
    """
    offered = {"surrogates": surrogates, "copied": copied}
    cloak: Cloak = plugins.load("lowkey_core.cloaks", name, offered=offered, options=options)
    return cloak


def release_date(cloak: Cloak) -> datetime.date | None:
    """When the cloak became public, if it says so."""
    return getattr(cloak, "released", None)


def notes_of(cloak: Cloak) -> tuple[str, ...]:
    """What the report must say about the cloak."""
    return tuple(getattr(cloak, "notes", ()))
