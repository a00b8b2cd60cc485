"""Every weight file an audit may use: what is known of it, and whether it is there and whole."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from typing import Literal

from audit.choices import readable
from lowkey_core import recognisers, weights
from lowkey_core.datasets.synthetic import GENERATOR
from lowkey_core.errors import (
    MissingWeightsError,
    StorageError,
    TamperedWeightsError,
    unknown_name,
)
from lowkey_core.faces.detection import DETECTOR_CARDS
from lowkey_core.faces.detectors import LANDMARKS
from lowkey_core.faces.visibility import LINEAR, TRUNK
from lowkey_core.training import lfw_pictures
from lowkey_core.weights import Card
from lowkey_core.weights.packaged import EFFICIENTNET, ST_LPIPS
from lowkey_core.work.files import explained

State = Literal["present", "absent", "tampered", "unrecorded", "unreadable"]


def catalogue() -> dict[str, tuple[str, Card]]:
    """Role and card by name."""
    return {
        **{name: ("recogniser", card) for name, card in recognisers.cards().items()},
        GENERATOR.name: ("data set", GENERATOR),
        lfw_pictures.CARD.name: ("digests of pictures", lfw_pictures.CARD),
        **{card.name: ("perceptual metric", card) for card in (TRUNK, LINEAR, ST_LPIPS)},
        **{card.name: ("face detector", card) for card in (*DETECTOR_CARDS, LANDMARKS)},
        EFFICIENTNET.name: ("image classifier", EFFICIENTNET),
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


def at_hand() -> tuple[str, ...]:
    """The recognisers whose files are here, whole and readable, the oldest first."""
    known = {name: card for name, card in recognisers.cards().items() if readable(card)}
    there = [name for name, card in known.items() if state(card) == "present"]
    return tuple(sorted(there, key=lambda n: known[n].released or datetime.date.min))


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
    services = recognisers.services()
    for name in recognisers.RECOGNISERS.available():
        if name in services:
            yield f"{name}  a service of {services[name]}: see docs/services.md"
            continue
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
    return f"models fetch {card.name}" if card.origin else f"get it from {card.source}"


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
