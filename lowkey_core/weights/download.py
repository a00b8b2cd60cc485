"""Getting weight files: the only part of this project that speaks to a network, when told to.

https only, after redirects too. An interrupted download goes on where it stopped. Nothing reaches
its place before its digest was checked or, where none was ever published, recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

from lowkey_core import weights
from lowkey_core.errors import DownloadError, TamperedWeightsError
from lowkey_core.weights import Card
from lowkey_core.weights.partial import Partial
from lowkey_core.work.files import explained

CHUNK = 2**18
"""Bytes written at once; at most so many are lost when a connection breaks."""
_HOPS, _TIMEOUT = 5, (10, 60)  # redirects; seconds to connect, and to wait
_REDIRECTS = (301, 302, 303, 307, 308)


def fetch(card: Card, say: Callable[[str], None]) -> Path:
    """Put the card's file in its place, unless it is there, and verify it.

    say: told what is done, a line each.
    Raises: DownloadError (what came is kept, to go on from), TamperedWeightsError (what came is
    deleted), MissingWeightsError (the file of a package that is not installed).
    """
    path = weights.home(card)
    if card.distribution or card.embedded or path.exists():
        return _adopt(card, say)
    if not card.url:
        raise DownloadError(
            f"{card.name} cannot be fetched",
            expected="a card with a URL",
            remedy=f"get the file by hand from {card.source}, as {path}",
        )
    with explained(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = Partial(path, lambda: say(f"{card.name}: waiting for another fetch of it"))
    with partial:
        if path.exists():  # the other one got it
            return _adopt(card, say)
        try:
            found = _verified(card, partial, say)
            weights.record(card, path, found)  # before the file: it never lies there without
            partial.finish()
        except requests.RequestException as error:
            raise _stopped(card, partial, type(error).__name__) from error
        except OSError as error:
            raise _stopped(card, partial, error.strerror or type(error).__name__) from error
    say(f"{card.name}: fetched {path}, SHA-256 {found}, {_how(card)}")
    return path


def _adopt(card: Card, say: Callable[[str], None]) -> Path:
    """The file that is there already: verified, or recorded if it is the first to be seen."""
    path = weights.locate(card)
    known = weights.digest(card)
    if not card.pinned and not weights.record_of(path).is_file():
        found = weights.sha256(path)
        if not found.startswith(known):
            raise TamperedWeightsError(
                f"{path} has SHA-256 {found}",
                expected=f"{known}..., {weights.said_by(card)}",
                remedy=f"delete it, then `models fetch {card.name}`",
            )
        weights.record(card, path, found)
    weights.read(card)
    say(f"{card.name}: already at {path}, {_how(card)}")
    return path


def _how(card: Card) -> str:
    return "as on its card" if card.pinned else "unpinned: recorded as first seen"


def _verified(card: Card, partial: Partial, say: Callable[[str], None]) -> str:
    """Download what is missing; the digest of it all. Raises: DownloadError, TamperedWeightsError
    (it was deleted)."""
    _complete(card, partial, say)
    found, known = partial.sha256(), weights.digest(card)
    if found.startswith(known):
        return found
    partial.clear()
    said, record = weights.said_by(card), weights.record_of(weights.home(card))
    forget = f"; if it was replaced there, delete {record}" if record.is_file() else ""
    raise TamperedWeightsError(
        f"{card.url} gave a file with SHA-256 {found}, which was deleted",
        expected=f"{known}, {said}",
        remedy=f"try again later, and ask at {card.source} if it stays{forget}",
    )


def _complete(card: Card, partial: Partial, say: Callable[[str], None]) -> None:
    """Download what is missing of `partial`."""
    if not (partial.etag or card.pinned):  # never piece an unknown file together from two versions
        partial.clear()
    have = partial.size
    if have and have == card.size:
        return
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    if have and partial.etag:
        headers["If-Range"] = partial.etag
    with requests.Session() as session, _open(session, card, headers) as answer:
        start, total = _extent(answer, card)
        etag = answer.headers.get("ETag", "")
        goes_on = start == have > 0 and (card.pinned or etag == partial.etag)
        if goes_on:
            say(f"{card.name}: going on at byte {have:,} of {total:,}")
        elif have:
            say(f"{card.name}: starting again, as the server does not go on at byte {have:,}")
            partial.clear()
        if start and not goes_on:  # at a byte, or in a version, that we did not ask for
            _complete(card, partial, say)
            return
        if not goes_on:
            partial.start(etag)
        _append(answer, card, partial, total)


def _open(session: requests.Session, card: Card, headers: dict[str, str]) -> requests.Response:
    """The answer at the end of all redirects, not read yet. Raises: DownloadError."""
    try:
        return _follow(session, card, headers)
    except ValueError as error:  # of what was to be a URL; requests looks at it, too
        raise DownloadError(
            f"{card.name} leads to no URL ({error})",
            expected="https all the way",
            remedy=f"get the file by hand from {card.source}",
        ) from error


def _follow(session: requests.Session, card: Card, headers: dict[str, str]) -> requests.Response:
    url = card.url
    for _ in range(_HOPS):
        if urlsplit(url).scheme != "https":
            raise DownloadError(
                f"{card.name} leads to {urlsplit(url).scheme}://{urlsplit(url).netloc}",
                expected="https all the way",
                remedy=f"get the file by hand from {card.source}",
            )
        answer = session.get(
            url, headers=headers, stream=True, allow_redirects=False, timeout=_TIMEOUT
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


def _extent(answer: requests.Response, card: Card) -> tuple[int, int]:
    """Which byte the answer starts at, and of how many (0: it does not say). Raises: DownloadError.

    Byte -1: there is nothing where we asked it to go on.
    """
    code, asked = answer.status_code, "Range" in answer.request.headers
    span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
    length = answer.headers.get("Content-Length", "")
    if code == 416 and asked:
        return -1, 0
    if code == 206 and asked and span is not None:
        start, total = int(span[1]), int(span[2])
    elif code == 200:
        start, total = 0, int(length) if length.isdecimal() else 0
    else:
        raise DownloadError(
            f"{card.url} answered {code} {answer.reason}",
            expected="200 or 206",
            remedy=f"try again later, or get the file by hand from {card.source}",
        )
    if total > weights.LARGEST or (total and card.size and total != card.size):
        raise _wrong_size(card, total)
    return start, total


def _append(answer: requests.Response, card: Card, partial: Partial, total: int) -> None:
    """The answer's bytes, behind those that are there."""
    largest = total or card.size or weights.LARGEST
    for chunk in answer.iter_content(CHUNK):
        partial.append(chunk)
        if (size := partial.size) > largest:
            partial.clear()
            raise _wrong_size(card, size)
    if partial.size < (total or card.size):
        raise _stopped(card, partial, "the server stopped early")


def _wrong_size(card: Card, size: int) -> DownloadError:
    return DownloadError(
        f"{card.url} has {size:,} bytes or more",
        expected=f"{card.size:,}"
        if card.size
        else f"what it announced, {weights.LARGEST:,} at most",
        remedy=f"ask at {card.source}",
    )


def _stopped(card: Card, partial: Partial, why: str) -> DownloadError:
    resumes = "goes on from there" if partial.etag or card.pinned else "starts again"
    return DownloadError(
        f"{card.name} stopped after {partial.size:,} bytes: {why}",
        expected="the whole file" + (f", {card.size:,} bytes" if card.size else ""),
        remedy=f"run `models fetch {card.name}` again; it {resumes}",
    )
