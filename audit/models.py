"""Every weight file an audit may use: what is known of it, and whether it is there and whole."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Literal

from lowkey_core import recognisers, weights
from lowkey_core.datasets.synthetic import GENERATOR
from lowkey_core.errors import (
    MissingWeightsError,
    OptionError,
    StorageError,
    TamperedWeightsError,
    setting,
    unknown_name,
)
from lowkey_core.faces.detection import DETECTOR_CARDS
from lowkey_core.faces.visibility import LINEAR, TRUNK
from lowkey_core.weights import Card
from lowkey_core.work.files import explained

State = Literal["present", "absent", "tampered", "unrecorded", "unreadable"]


def catalogue() -> dict[str, tuple[str, Card]]:
    """Role and card by name."""
    return {
        **{name: ("recogniser", card) for name, card in recognisers.cards().items()},
        GENERATOR.name: ("data set", GENERATOR),
        **{card.name: ("perceptual metric", card) for card in (TRUNK, LINEAR)},
        **{card.name: ("face detector", card) for card in DETECTOR_CARDS},
    }


def find(name: str) -> Card:
    """Raises: UnknownNameError."""
    known = catalogue()
    if name not in known:
        raise unknown_name("model", name, known)
    return known[name][1]


def state(card: Card) -> State:
    """Whether the card's file is there, and is what it should be; every byte is hashed."""
    try:
        with explained():
            weights.read(card)
    except TamperedWeightsError:
        return "tampered"
    except StorageError:
        return "unreadable"
    except MissingWeightsError:
        there = not (card.distribution or card.embedded) and weights.home(card).is_file()
        return "unrecorded" if there else "absent"
    return "present"


def listed() -> Iterator[str]:
    """A table: one file a line."""
    rows = [("name", "role", "bytes", "SHA-256", "licence", "released", "")]
    for name, (role, card) in catalogue().items():
        size = f"{card.size:,}" if card.size else _size_here(card)
        released = f"{card.released:%Y-%m-%d}" if card.released else "not stated"
        rows.append((name, role, size, _digest(card), card.licence, released, state(card)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def listed_recognisers() -> Iterator[str]:
    """A line each; no network is built."""
    known = recognisers.cards()
    for name in recognisers.RECOGNISERS.available():
        if name not in known:
            yield f"{name}  no card among its CARDS"
            continue
        card, found = known[name], state(known[name])
        released = f"{card.released:%Y-%m}" if card.released else "not stated"
        verified = "verified" if card.pinned else "as first seen"
        told = {"present": verified, "absent": f"absent: {_how_to_get(card)}"}.get(found, found)
        yield f"{name}  released {released}, {card.licence}, {told}"


def _how_to_get(card: Card) -> str:
    if card.embedded:
        return "install lowkey-audit again"
    return f"models fetch {card.name}" if card.url else f"get it from {card.source}"


def terms(card: Card) -> Iterator[str]:
    """What somebody must know before fetching the file."""
    foreign = "" if card.embedded else "; not part of this project"
    yield f"{card.name}: trained on {card.trained_on}{foreign}"
    yield f"input: {card.preprocessing}"
    yield f"licence: {card.licence}" + ("" if card.embedded else f" (read it at {card.source})")
    yield f"from: {card.url or 'no direct download'}"
    yield f"size: {f'{card.size:,} bytes' if card.size else 'not stated'}"
    if card.pinned:
        yield f"SHA-256: {card.sha256}"
    else:
        yield (
            "SHA-256: "
            + (f"{card.sha256}..." if card.sha256 else "not published; unpinned")
            + (", recorded at the first fetch and checked from then on")
        )


def fetch(
    name: str, say: Callable[[str], None], agrees: Callable[[], bool | None] | None = None
) -> bool:
    """Downloads one weight file. say: told the terms, and what is done. agrees: asked whether the
    user accepts the licence, None where nobody can be asked; without it, they have.

    Returns: whether they accepted it.
    Raises: UnknownNameError, OptionError, DownloadError, TamperedWeightsError.
    """
    from lowkey_core.weights.download import fetch as fetched

    card = find(name)
    for line in terms(card):
        say(line)
    agreed = True if agrees is None else agrees()
    if agreed is None:
        raise OptionError(
            "nobody is there to accept the licence",
            expected=f"a terminal, or {setting('accept_licence')}",
            remedy="read the licence, then give the option",
        )
    if agreed:
        fetched(card, say)
    else:
        say("nothing was fetched")
    return agreed


def verified(name: str | None) -> Iterator[tuple[str, State]]:
    """The file called `name`, or every file that is there, hashed again.

    Raises: UnknownNameError, MissingWeightsError (of a file asked for by name).
    """
    if name is not None:
        weights.locate(find(name))
    for card in [find(name)] if name is not None else [c for _, c in catalogue().values()]:
        found = state(card)
        if found != "absent":
            yield card.name, found


def _digest(card: Card) -> str:
    try:
        with explained():
            known = weights.digest(card)
    except (TamperedWeightsError, StorageError):
        return "bad record"
    if card.pinned:
        return known[:12]
    return f"{known[:12]} (first seen)" if len(known) == 64 else f"unpinned {known}".strip()


def _size_here(card: Card) -> str:
    path = weights.home(card)
    with contextlib.suppress(OSError):
        return f"{path.stat().st_size:,}" if path.is_file() else "not stated"
    return "not readable"
