"""Atomic files and locks: after a crash a file has its old content or its new one.

A file is written under the temporary name `.part-lowkey-...` in the same folder, and locked by its
writer. The operating system drops the lock of a killed process, so the next writer in that folder
can tell abandoned temporary files from those that are still being written. Locks are filelock's,
which has them for POSIX and Windows.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout, lock_descriptor

from lowkey_core.errors import StorageError

PART = ".part-lowkey-"
"""Prefix of the names of temporary files."""
_WINDOWS = os.name == "nt"
"""Windows neither renames nor removes a file that is open."""


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path`; missing folders are made.

    Raises: StorageError, with nothing left behind.
    """
    with explained(path), replacing(path) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """An empty temporary file beside `path`. It replaces `path` at the end of the block, and is
    removed if the block raises. Missing folders are made. Permissions are those of any new file.

    Raises: OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    file, temporary = _create(path.parent)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if _WINDOWS:
                file.close()
            temporary.replace(path)  # POSIX: while it is locked, so that nobody sweeps it
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def open_regular(path: Path) -> BinaryIO:
    """A regular file, open for reading. Opening a FIFO would wait for a writer, and reading a
    device might never end. Raises: OSError."""

    def at_once(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    file = open(path, "rb", opener=at_once)  # noqa: SIM115  Path.open takes no opener
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    return file


def read_regular(path: Path) -> bytes:
    """The content of a regular file. Raises: OSError."""
    with open_regular(path) as file:
        return file.read()


def real(path: Path) -> Path:
    """`path` with its links followed; a link to itself stays (`Path.resolve` raises)."""
    return Path(os.path.realpath(path))


def _create(folder: Path) -> tuple[BinaryIO, Path]:
    """A new locked temporary file in `folder`, and its path."""
    while True:
        path = folder / f"{PART}{secrets.token_hex(8)}"
        file = path.open("xb")
        with contextlib.suppress(OSError):  # without locks, nothing is ever swept
            lock_descriptor(file.fileno())
        if os.fstat(file.fileno()).st_nlink:
            return file, path
        file.close()  # another process swept it before it was locked


@functools.cache
def _sweep(folder: Path) -> None:
    """Remove the temporary files of killed processes from `folder`, once per process."""
    for path in folder.glob(f"{PART}*"):
        with contextlib.suppress(OSError):
            with open_regular(path) as file:
                abandoned = lock_descriptor(file.fileno(), blocking=False)
                if abandoned and not _WINDOWS:
                    path.unlink()
            if abandoned and _WINDOWS:
                path.unlink()  # fails if a writer has it open


@contextlib.contextmanager
def locked(path: Path, busy: Callable[[], object]) -> Iterator[None]:
    """Hold the lock of `path`, which need not exist: of several processes one at a time.

    busy: called if another process holds the lock. If it returns, this waits for the lock.
    The lock is the file `.NAME.lock` beside `path`. It is removed at the end; a killed process
    leaves it behind, unlocked, and the next one to take the lock removes it. Raises: OSError.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"), thread_local=False)
    with contextlib.suppress(Timeout):
        lock.acquire(blocking=False)
    if not lock.is_locked:
        busy()
        lock.acquire()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # on Windows filelock itself removes it
            Path(lock.lock_file).unlink()
        lock.release()


@contextlib.contextmanager
def explained(path: Path | None = None) -> Iterator[None]:
    """Turn an OSError of the block into a StorageError.

    path: named in the message instead of the file that the OSError names.
    """
    try:
        yield
    except OSError as error:
        expected, remedy = _REMEDIES.get(error.errno or 0, _OTHERWISE)
        about = path or error.filename
        raise StorageError(
            f"{error.strerror or error}" + (f": {os.fsdecode(about)}" if about else ""),
            expected=expected,
            remedy=remedy,
        ) from error


def forbidden(error: StorageError) -> bool:
    """Whether it was permission that lacked: everything else about the path may be well."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in _FORBIDDEN


_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_ROOM = ("room to write", "make room and give the same command again: what is finished is kept")
_PERMISSION = ("permission to use it", "change its permissions, or name another place")
_KIND = ("a folder where one is named, and no file in the way", "move it, or name another place")
_OTHERWISE = ("a path that can be read and written", "check the path and the disk")
_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _ROOM),
    **dict.fromkeys(_FORBIDDEN, _PERMISSION),
    **dict.fromkeys((errno.EEXIST, errno.ENOTDIR, errno.EISDIR), _KIND),
}
