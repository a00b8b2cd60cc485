"""Downloading weight files, when the user asks for it.

Only https, after redirects too. A file is hashed while it arrives in a temporary file, and moved
into place when its digest is the card's or, where none was published, has been recorded. A failed
or interrupted download leaves nothing behind and starts again from the beginning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

from lowkey_core import weights
from lowkey_core.errors import DownloadError, TamperedWeightsError
from lowkey_core.weights import Card
from lowkey_core.work.files import explained, locked, replacing

CHUNK = 2**18
"""Bytes per write."""
_HOPS, _TIMEOUT = 5, (10, 60)  # redirects; seconds to connect, and between two reads
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = {"Accept-Encoding": "identity"}
"""No compression: the size of the file must be the one that the server announces."""


def fetch(card: Card, say: Callable[[str], None]) -> Path:
    """Download the card's file unless it is there, and verify it. Returns its path.

    say: called with one line per step. Two fetches of one file wait for each other.
    Raises: DownloadError, TamperedWeightsError, StorageError, MissingWeightsError (the file
    belongs to a package that is not installed).
    """
    path = weights.home(card)
    if card.distribution or card.embedded or path.exists():
        return _check_existing(card, say)
    if not card.url:
        raise DownloadError(
            f"{card.name} cannot be fetched",
            expected="a card with a URL",
            remedy=f"get the file by hand from {card.source}, as {path}",
        )
    with explained(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path, lambda: say(f"{card.name}: waiting for another fetch of it")):
            if path.exists():  # the other fetch succeeded
                return _check_existing(card, say)
            found = _download(card, path)
    say(f"{card.name}: fetched {path}, SHA-256 {found}, {_digest_kind(card)}")
    return path


def _check_existing(card: Card, say: Callable[[str], None]) -> Path:
    """Verify the file that is there already; record its digest if none is known yet."""
    path = weights.locate(card)
    known = weights.digest(card)
    if not card.pinned and not weights.record_of(path).is_file():
        found = weights.sha256(path)
        if not found.startswith(known):
            raise TamperedWeightsError(
                f"{path} has SHA-256 {found}",
                expected=f"{known}..., {weights.digest_source(card)}",
                remedy=f"delete it, then `models fetch {card.name}`",
            )
        weights.record(card, path, found)
    weights.read(card)
    say(f"{card.name}: already at {path}, {_digest_kind(card)}")
    return path


def _digest_kind(card: Card) -> str:
    return "as on its card" if card.pinned else "unpinned: recorded as first seen"


def _download(card: Card, path: Path) -> str:
    """Download to a temporary file, verify it and move it to `path`. Returns its SHA-256."""
    digest, size = hashlib.sha256(), 0
    try:
        with replacing(path) as file, requests.Session() as session, _open(session, card) as answer:
            announced = _announced(answer, card)
            largest = announced or card.size or weights.LARGEST
            for chunk in answer.iter_content(CHUNK):
                size += len(chunk)
                if size > largest:
                    raise _wrong_size(card, size)
                file.write(chunk)
                digest.update(chunk)
            if size < (announced or card.size or 0):
                raise _stopped(card, size, "the server stopped early")
            _verify(card, digest.hexdigest())
            weights.record(card, path, digest.hexdigest())  # first: no file without its digest
    except requests.RequestException as error:
        raise _stopped(card, size, type(error).__name__) from error
    except OSError as error:
        raise _stopped(card, size, error.strerror or type(error).__name__) from error
    return digest.hexdigest()


def _verify(card: Card, found: str) -> None:
    """Raises: TamperedWeightsError unless `found` is the known digest, or none is known."""
    known = weights.digest(card)
    if found.startswith(known):
        return
    record = weights.record_of(weights.home(card))
    forget = f"; if it was replaced there, delete {record}" if record.is_file() else ""
    raise TamperedWeightsError(
        f"{card.url} gave a file with SHA-256 {found}, which was deleted",
        expected=f"{known}, {weights.digest_source(card)}",
        remedy=f"try again later, and ask at {card.source} if it stays{forget}",
    )


def _open(session: requests.Session, card: Card) -> requests.Response:
    """The response after all redirects, its body not read yet. Raises: DownloadError."""
    try:
        return _follow(session, card)
    except ValueError as error:  # urllib and requests raise it for an invalid URL
        raise DownloadError(
            f"{card.name} leads to no URL ({error})",
            expected="https all the way",
            remedy=f"get the file by hand from {card.source}",
        ) from error


def _follow(session: requests.Session, card: Card) -> requests.Response:
    url = card.url
    for _ in range(_HOPS):
        if urlsplit(url).scheme != "https":
            raise DownloadError(
                f"{card.name} leads to {urlsplit(url).scheme}://{urlsplit(url).netloc}",
                expected="https all the way",
                remedy=f"get the file by hand from {card.source}",
            )
        answer = session.get(
            url, headers=_HEADERS, stream=True, allow_redirects=False, timeout=_TIMEOUT
        )
        if answer.status_code not in _REDIRECTS:
            return answer
        answer.close()
        url = urljoin(url, answer.headers.get("Location", ""))
    raise DownloadError(
        f"{card.url} redirects more than {_HOPS} times",
        expected="a file",
        remedy=f"get it by hand from {card.source}",
    )


def _announced(answer: requests.Response, card: Card) -> int:
    """Bytes of the file as the server announces them; 0 if it does not. Raises: DownloadError."""
    if answer.status_code != 200:
        raise DownloadError(
            f"{card.url} answered {answer.status_code} {answer.reason}",
            expected="200",
            remedy=f"try again later, or get the file by hand from {card.source}",
        )
    length = answer.headers.get("Content-Length", "")
    total = int(length) if length.isdecimal() else 0
    if total > weights.LARGEST or (total and card.size and total != card.size):
        raise _wrong_size(card, total)
    return total


def _wrong_size(card: Card, size: int) -> DownloadError:
    most = f"what it announced, {weights.LARGEST:,} at most"
    return DownloadError(
        f"{card.url} has {size:,} bytes or more",
        expected=f"{card.size:,}" if card.size else most,
        remedy=f"ask at {card.source}",
    )


def _stopped(card: Card, size: int, why: str) -> DownloadError:
    return DownloadError(
        f"{card.name} stopped after {size:,} bytes: {why}",
        expected="the whole file" + (f", {card.size:,} bytes" if card.size else ""),
        remedy=f"run `models fetch {card.name}` again",
    )
