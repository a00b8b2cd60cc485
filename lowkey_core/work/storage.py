"""The folder of finished work as files: made for its owner alone, measured, emptied.

Never imports torch.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lowkey_core.errors import StorageError
from lowkey_core.work.files import explained, forbidden

log = logging.getLogger(__name__)

_RECORD = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}\.safetensors")
"""Path of a record in the folder. Nothing else is ever removed."""
_HEADER = 2**20
"""Bytes of a record's header that are read."""
_PIXELS = "U8"
"""What safetensors calls 8-bit integers: pixels, and the bytes of picture files."""


@dataclass(frozen=True)
class Amount:
    """Some records."""

    records: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        return f"{self.records:,} records, {self.bytes / 1e6:,.1f} MB"


def make_private(root: Path) -> None:
    """Makes the folder, if it is not there, so that nobody but its owner can look into it.

    Raises: StorageError.
    """
    with explained(root):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextlib.contextmanager
def tolerated(root: Path) -> Iterator[None]:
    """A folder that may not be used is no reason to stop: that is said once, and nothing is kept.

    Any other StorageError of the block is raised.
    """
    try:
        yield
    except StorageError as error:
        if not forbidden(error):
            raise
        _say_unkept(root)


def prepare(root: Path) -> None:
    """Makes the folder if that is allowed: what else hinders is better known before the work.

    Raises: StorageError.
    """
    with tolerated(root):
        make_private(root)


@functools.cache
def _say_unkept(root: Path) -> None:
    log.warning("no permission to use %s: work goes on, but is not kept there", root)


def size(root: Path, *, faces: bool = False) -> Amount:
    """What is kept. faces: of that, what shows faces. Raises: StorageError."""
    found = [path.stat().st_size for path in _records(root, faces)]
    return Amount(len(found), sum(found))


def clear(root: Path, *, faces: bool = False) -> Amount:
    """Removes what is kept, or only what shows faces, and says how much. Raises: StorageError."""
    removed = Amount()
    for path in _records(root, faces):
        with explained(path):
            held = path.stat().st_size
            path.unlink(missing_ok=True)
        removed = Amount(removed.records + 1, removed.bytes + held)
    return removed


def _records(root: Path, faces: bool) -> Iterator[Path]:
    with explained(root):
        found = sorted(root.glob("??/*.safetensors"))
    for path in found:
        known = _RECORD.fullmatch(path.relative_to(root).as_posix())
        if known and path.is_file() and not path.is_symlink() and not (faces and _faceless(path)):
            yield path


def _faceless(path: Path) -> bool:
    """Whether a record holds numbers only: no pixels, and no picture file. False if it is damaged:
    then it may hold anything."""
    with explained(path), path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = file.read(min(length, _HEADER))
    try:
        tensors = json.loads(header)
        kinds = [about["dtype"] for name, about in tensors.items() if name != "__metadata__"]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return False
    return _PIXELS not in kinds
