"""Sessions: each person's photos in a folder that only their browser's cookie leads to.

The cookie holds 32 random bytes. The folder is called by their digest, so that a listing of the
disk gives no cookie away. A folder survives the server: after a crash, whoever still has the cookie
finds the photos again. It goes when the person asks for that, when nobody has used it for a while,
and when the server ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lowkey_core.work.files import explained, write_atomically
from web.limits import Limits
from web.refused import Refused
from web.stored import StoredPhoto

TOKEN = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(r"[0-9a-f]{32}")
_MARK = "session.json"


def new_token() -> str:
    """64 hex digits nobody can guess."""
    return secrets.token_hex(32)


def key_of(token: str) -> str:
    """32 hex digits: what a session's folder is called."""
    return hashlib.sha256(b"folder " + token.encode()).hexdigest()[:32]


def csrf_of(token: str) -> str:
    """What forms of this session carry. No other page can know it."""
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()


class Session:
    """One person's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = folder.name

    @property
    def photos(self) -> list[StoredPhoto]:
        """In the order of their numbers."""
        root = self.folder / "photos"
        with contextlib.suppress(OSError):
            numbers = sorted(int(p.name) for p in root.iterdir() if p.name.isdigit())
            found = [StoredPhoto(root / str(number)) for number in numbers]
            return [photo for photo in found if photo.there]
        return []

    def photo(self, number: int) -> StoredPhoto:
        """Raises: Refused if there is none of that number."""
        photo = StoredPhoto(self.folder / "photos" / str(number))
        if not photo.there:
            raise Refused(404, "There is no such photo.", "Go back to your photos.")
        return photo

    @property
    def cache(self) -> Path:
        """Of finished work on this session's photos."""
        return self.folder / "cache"

    @property
    def check(self) -> Path:
        """Of the answer to "Does it help?"."""
        return self.folder / "check"

    def touch(self) -> None:
        """Somebody is using it."""
        with contextlib.suppress(OSError):
            os.utime(self.folder / _MARK)

    @property
    def age(self) -> float:
        """Seconds since somebody used it; infinite without the mark."""
        try:
            return time.time() - (self.folder / _MARK).stat().st_mtime
        except OSError:
            return float("inf")


class Sessions:
    """All of them, below one private folder."""

    def __init__(self, root: Path, limits: Limits, gone: Callable[[str], object]) -> None:
        """root: exists, for its owner alone. gone: told the key of a session before its folder is
        deleted."""
        self.root, self.limits, self._gone = root, limits, gone
        self._lock = threading.Lock()

    def find(self, token: str) -> Session | None:
        """The session of a cookie, if it has photos and is not too old."""
        if not TOKEN.fullmatch(token):
            return None
        session = Session(self.root / key_of(token))
        return session if session.age < self.limits.seconds else None

    def make(self, token: str) -> Session:
        """The session of a cookie, with a folder. Raises: Refused, StorageError."""
        with self._lock:
            if found := self.find(token):
                return found
            if sum(1 for _ in self.all()) >= self.limits.sessions:
                raise Refused(
                    503,
                    "Too many people are using this server at the moment.",
                    "Try again in a few minutes. Nothing of yours was stored.",
                )
            session = Session(self.root / key_of(token))
            _remove(session.folder)  # of one that was too old
            with explained(session.folder):
                session.folder.mkdir(mode=0o700)
            write_atomically(session.folder / _MARK, json.dumps({"version": 1}).encode())
            return session

    def all(self) -> Iterator[Session]:
        """Every session with a folder, also those that are too old."""
        for path in self._folders():
            if _KEY.fullmatch(path.name) and (path / _MARK).is_file():
                yield Session(path)

    def forget(self, session: Session) -> None:
        """Stops its work and deletes all of it."""
        self._gone(session.key)
        _remove(session.folder)

    def removed_again(self, key: str) -> None:
        """What work that was under way left of a session that is gone."""
        folder = self.root / key
        with self._lock:  # or one that is being made would look like one that is gone
            if _KEY.fullmatch(key) and not (folder / _MARK).is_file():
                _remove(folder)

    def sweep(self) -> None:
        """Deletes sessions that are too old, and what belongs to none."""
        for session in list(self.all()):
            with self._lock:  # its owner may come back just now, and begin anew
                if session.age >= self.limits.seconds:
                    self.forget(session)
        for path in self._folders():
            with contextlib.suppress(OSError):
                old = time.time() - path.stat().st_mtime > _STRAY
                if _KEY.fullmatch(path.name) and not (path / _MARK).is_file() and old:
                    _remove(path)

    def forget_all(self) -> None:
        """Deletes everything."""
        for session in list(self.all()):
            self.forget(session)
        for path in self._folders():
            _remove(path)

    def stored(self) -> int:
        """Bytes of all files."""
        return sum(_sizes(self.root))

    def _folders(self) -> list[Path]:
        with contextlib.suppress(OSError):
            return [path for path in self.root.iterdir() if path.is_dir()]
        return []


_STRAY = 60.0
"""Seconds after which a folder without a mark is nobody's: a new one gets it at once."""


def _sizes(root: Path) -> Iterator[int]:
    for folder, _, files in os.walk(root):
        for name in files:
            with contextlib.suppress(OSError):
                yield os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118


def _remove(folder: Path) -> None:
    """Deletes a folder: the mark first, so that a half-deleted session is none. Twice, as somebody
    may be writing into it."""
    with contextlib.suppress(OSError):
        (folder / _MARK).unlink(missing_ok=True)
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)


_TRIES = 3
