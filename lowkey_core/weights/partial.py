"""A file that is being downloaded: `NAME.part`, kept to go on from, and `NAME.part.etag`."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Self

from lowkey_core.work.files import write_atomically


class Partial:
    """What has come so far, and the server's name for the version that it is part of.

    Locked from its making to its `with` block's end: of two fetches at once, one waits.
    """

    def __init__(self, final: Path, waiting: Callable[[], object]) -> None:
        """final: what it becomes. waiting: told if somebody else has it. Raises: OSError."""
        self.final = final
        self._path = final.with_name(final.name + ".part")
        self._etag = final.with_name(final.name + ".part.etag")
        self._file = self._open()
        while not self._lock(waiting):  # whoever had it has finished or removed it
            self._file.close()
            self._file = self._open()

    def _open(self) -> io.FileIO:
        return self._path.open("ab+", buffering=0)

    def _lock(self, waiting: Callable[[], object]) -> bool:
        """Whether what is ours now is what lies there."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError:
            return True  # a file system without locks
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.size:
            self._path.unlink(missing_ok=True)
            self._etag.unlink(missing_ok=True)
        self._file.close()

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return os.fstat(self._file.fileno()).st_size

    @property
    def etag(self) -> str:
        """A strong ETag; "" where the server gave none."""
        return self._etag.read_text("ascii", "replace") if self._etag.is_file() else ""

    def start(self, etag: str) -> None:
        """Forget what has come; what comes now is of this version."""
        self.clear()
        if re.fullmatch(r'"[!-~]+"', etag):
            write_atomically(self._etag, etag.encode())

    def clear(self) -> None:
        """Forget what has come."""
        self._file.truncate(0)
        self._etag.unlink(missing_ok=True)

    def append(self, chunk: bytes) -> None:
        """Raises: OSError."""
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._file.write(rest) :]

    def sha256(self) -> str:
        """64 hex digits, of the very file that `finish` moves."""
        self._file.seek(0)
        return hashlib.file_digest(self._file, "sha256").hexdigest()

    def finish(self) -> None:
        """Put it in its place."""
        os.fsync(self._file.fileno())
        self._path.replace(self.final)
        self._etag.unlink(missing_ok=True)
