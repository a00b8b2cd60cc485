"""Writing files so that a crash leaves the old one or the new one, never half of one.

A file in the making is called `.part-...` and is locked by its writer. The lock of a killed writer
is gone, so the next one to write there knows what it may remove; no clock is asked.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lowkey_core.errors import StorageError

PART = ".part-lowkey-"
"""How the name of a file in the making starts."""


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path`, making its folder if needed.

    Raises: StorageError, with nothing left behind.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        handle, temporary = _begin(path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, 0o666 & ~_umask())  # mkstemp's are for their maker's eyes alone
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                temporary.replace(path)  # while it is locked
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@functools.cache
def _umask() -> int:
    """The process's own; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _begin(folder: Path) -> tuple[int, Path]:
    """An empty file of our own in `folder`, open and locked."""
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=PART)
        with contextlib.suppress(OSError):  # a file system without locks is never swept
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # swept before it was locked


@functools.cache
def _sweep(folder: Path) -> None:
    """Remove what killed processes left half-written in `folder`, once a process."""
    for left in folder.glob(f"{PART}*"):
        with contextlib.suppress(OSError), left.open("rb") as file:  # locked: somebody's work
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


@contextlib.contextmanager
def explained(path: Path | None = None) -> Iterator[None]:
    """Any OSError inside becomes a StorageError. path: what it is about, if not what it says."""
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


_ROOM = ("room to write", "make room and give the same command again: what is finished is kept")
_PERMISSION = ("permission to use it", "change its permissions, or name another place")
_KIND = ("a folder where one is named, and no file in the way", "move it, or name another place")
_OTHERWISE = ("a path that can be read and written", "check the path and the disk")
_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _ROOM),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _PERMISSION),
    **dict.fromkeys((errno.EEXIST, errno.ENOTDIR, errno.EISDIR), _KIND),
}
