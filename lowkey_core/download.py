"""Getting weight files: the only part of this project that speaks to a network, when told to.

https only, after redirects too. An interrupted download goes on where it stopped. Nothing reaches
its place before its digest was checked or, where none was ever published, recorded.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

from lowkey_core import weights
from lowkey_core.checks import DownloadError, TamperedWeightsError
from lowkey_core.files import write_atomically
from lowkey_core.weights import Card

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
    if card.distribution or path.exists():
        return _adopt(card, say)
    if not card.url:
        raise DownloadError(
            f"{card.name} cannot be fetched",
            expected="a card with a URL",
            remedy=f"get the file by hand from {card.source}, as {path}",
        )
    partial = _Partial(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _complete(card, partial, say)
        found = weights.sha256(partial.path)
        known = weights.digest(card)
        if not found.startswith(known):
            partial.delete()
            raise TamperedWeightsError(
                f"{card.url} gave a file with SHA-256 {found}, which was deleted",
                expected=f"{known}, as {'on its card' if card.sha256 else 'first seen'}",
                remedy=f"try again later, and ask at {card.source} if it stays",
            )
        weights.record(card, path, found)  # before the file: it never lies there without
        partial.path.replace(path)
        partial.delete()
    except requests.RequestException as error:
        raise _stopped(card, partial, type(error).__name__) from error
    except OSError as error:
        raise _stopped(card, partial, error.strerror or type(error).__name__) from error
    say(f"{card.name}: fetched {path}, SHA-256 {found}, {_how(card)}")
    return path


def _adopt(card: Card, say: Callable[[str], None]) -> Path:
    """The file that is there already: verified, or recorded if it is the first to be seen."""
    path = weights.locate(card)
    if not weights.digest(card):
        weights.record(card, path, weights.sha256(path))
    weights.read(card)
    say(f"{card.name}: already at {path}, {_how(card)}")
    return path


def _how(card: Card) -> str:
    return "as on its card" if card.sha256 else "unpinned: recorded as first seen"


class _Partial:
    """What has come so far, and the server's name for the version that it is part of."""

    def __init__(self, final: Path) -> None:
        self.path = final.with_name(final.name + ".part")
        self.etag_path = final.with_name(final.name + ".part.etag")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def etag(self) -> str:
        """A strong ETag; "" where the server gave none."""
        return self.etag_path.read_text("ascii", "replace") if self.etag_path.is_file() else ""

    def start(self, etag: str) -> None:
        """Forget what has come."""
        self.delete()
        if re.fullmatch(r'"[!-~]+"', etag):
            write_atomically(self.etag_path, etag.encode())

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)
        self.etag_path.unlink(missing_ok=True)


def _complete(card: Card, partial: _Partial, say: Callable[[str], None]) -> None:
    """Download what is missing of `partial`."""
    if not (partial.etag or card.pinned):  # never piece an unknown file together from two versions
        partial.delete()
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
        if start == have:
            if have:
                say(f"{card.name}: going on at byte {have:,} of {total:,}")
        elif have:
            say(f"{card.name}: starting again, as the server does not go on at byte {have:,}")
            partial.delete()
        if start not in (0, have):
            _complete(card, partial, say)
            return
        if start == 0:
            partial.start(answer.headers.get("ETag", ""))
        _append(answer, card, partial, total)


def _open(session: requests.Session, card: Card, headers: dict[str, str]) -> requests.Response:
    """The answer at the end of all redirects, not read yet. Raises: DownloadError."""
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
        url = urljoin(url, answer.headers.get("Location", ""))
        answer.close()
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


def _append(answer: requests.Response, card: Card, partial: _Partial, total: int) -> None:
    """The answer's bytes, behind those that are there."""
    largest = total or card.size or weights.LARGEST
    with partial.path.open("ab") as file:
        size = file.tell()
        for chunk in answer.iter_content(CHUNK):
            size += len(chunk)
            if size > largest:
                break
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if size > largest:
        partial.delete()
        raise _wrong_size(card, size)
    if size < (total or card.size):
        raise _stopped(card, partial, "the server stopped early")


def _wrong_size(card: Card, size: int) -> DownloadError:
    return DownloadError(
        f"{card.url} has {size:,} bytes or more",
        expected=f"{card.size:,}"
        if card.size
        else f"what it announced, {weights.LARGEST:,} at most",
        remedy=f"ask at {card.source}",
    )


def _stopped(card: Card, partial: _Partial, why: str) -> DownloadError:
    resumes = "goes on from there" if partial.etag or card.pinned else "starts again"
    return DownloadError(
        f"{card.name} stopped after {partial.size:,} bytes: {why}",
        expected="the whole file" + (f", {card.size:,} bytes" if card.size else ""),
        remedy=f"run `models fetch {card.name}` again; it {resumes}",
    )
