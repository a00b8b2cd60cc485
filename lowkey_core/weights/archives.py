"""Single files out of a `.whl` or `.tgz` that nobody vouches for; nothing is unpacked to disk."""

from __future__ import annotations

import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import IO

from lowkey_core.errors import AuditError, TamperedWeightsError
from lowkey_core.weights import LARGEST

_MOST_ENTRIES = 10_000


@dataclass(frozen=True)
class _Entry:
    path: str
    size: int
    folder: bool
    plain: bool
    """A regular file; neither this nor `folder`: a link or a device."""
    open: Callable[[], IO[bytes] | None]


def files_in(archive: Path, limits: Mapping[str, int], name: str) -> dict[str, bytes]:
    """The content of the wanted files, by path.

    limits: the most bytes of each wanted file. name: of the package, for messages.
    Raises: TamperedWeightsError (no archive, a path that leads out of it, a link, a wanted file
    that is missing, there twice, or too large).
    """
    try:
        return _read(archive, limits, name)
    except AuditError:
        raise
    except Exception as error:  # hostile archives raise anything
        raise _refused(name, f"does not open ({type(error).__name__})") from None


def _read(archive: Path, limits: Mapping[str, int], name: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    total = 0
    for count, entry in enumerate(_entries(archive)):
        total += entry.size
        if count >= _MOST_ENTRIES or total > LARGEST:
            raise _refused(name, "is larger than any package with weights")
        path = PureWindowsPath(entry.path)  # knows both separators, and drives
        if path.anchor or ".." in path.parts:
            raise _refused(name, f"has {entry.path!r}, a path that leads out of it")
        if not (entry.plain or entry.folder):
            raise _refused(name, f"has {entry.path!r}, which is a link or a device")
        if entry.path not in limits:
            continue
        if entry.path in found:
            raise _refused(name, f"has two files called {entry.path!r}")
        found[entry.path] = _content(entry, limits[entry.path], name)
    for wanted in limits:
        if wanted not in found:
            raise _refused(name, f"has no file {wanted!r}")
    return found


def _content(entry: _Entry, largest: int, name: str) -> bytes:
    file = entry.open()
    if file is None or not entry.plain:
        raise _refused(name, f"has {entry.path!r}, which is no file")
    with file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise _refused(name, f"has more than {largest:,} bytes in {entry.path!r}")
    return content


def _entries(archive: Path) -> Iterator[_Entry]:
    """Every entry, in order; each is to be opened before the next is asked for."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for info in wheel.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                plain = not info.is_dir() and kind in (0, stat.S_IFREG)
                folder = info.is_dir() and kind in (0, stat.S_IFDIR)
                yield _Entry(
                    info.filename, info.file_size, folder, plain, partial(wheel.open, info)
                )
        return
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            yield _Entry(
                member.name,
                member.size,
                member.isdir(),
                member.isreg() and not member.issparse(),
                partial(tar.extractfile, member),
            )


def _refused(name: str, what: str) -> TamperedWeightsError:
    return TamperedWeightsError(
        f"the archive of {name} {what}",
        expected="an ordinary archive with the file and its licence text",
        remedy="nothing was kept; ask where your package index gets this package from",
    )
