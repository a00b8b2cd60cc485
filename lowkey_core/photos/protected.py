"""What became of each photo that `protect` was given, as the ledger in its output folder says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from lowkey_core.errors import StorageError, UnreadableImageError, setting
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.work import documents
from lowkey_core.work.files import explained, real

NAME = "protected.jsonl"
"""Of the ledger: one JSON object a line."""
_START = b'{"copy": "'
"""How every line begins, as keys are sorted."""
LARGEST, LONGEST = 2**27, 400_000
"""Bytes and lines of a ledger; a line has a few hundred bytes."""


@dataclass(frozen=True)
class Outcome:
    """What became of one photo."""

    name: str
    """The photo, relative to what was named on the command line."""
    status: str
    """`protected`, `already protected`, `no face`, `unreadable`, `unsupported`, `not written`, or
    of what was not looked at `not followed` (a link) or `no picture`."""
    detail: str = ""
    """Why, where it is not protected; where it is, what the copy does not keep."""
    copy: str = ""
    """Path of the cloaked copy, relative to the output folder."""
    faces: int = 0
    """Faces cloaked."""
    dssim: float | None = None
    """Of the most visible face, as the file holds it."""
    seen: int | None = None
    """Cloaked faces that the detector still finds in the copy; None: not looked for, as in an
    animation."""
    more: int = 0
    """Faces that a second look finds in the photo beside those that were found."""
    source: str = ""
    """Digest of where the photo lies."""
    photo: str = ""
    """Digest of the photo's content."""
    made_with: str = ""
    """Digest of the cloak and all settings."""
    files: dict[str, str] = field(default_factory=dict)
    """What was written, relative to the output folder, each with the digest of its content."""


_OUTCOME = TypeAdapter(Outcome)


def read(out: Path) -> list[Outcome]:
    """The lines of a folder's ledger, oldest first. Raises: StorageError if it is not one."""
    path, trouble, regular = out / NAME, "", False
    if not os.path.lexists(path):
        return []
    lines: list[bytes] = []
    try:
        with explained(path):
            if regular := path.is_file() and not path.is_symlink():
                content = documents.content(path, LARGEST)
                if content.count(b"\n") > LONGEST:
                    raise ValueError(f"more than {LONGEST:,} lines")
                lines = content.splitlines()
    except ValueError as error:
        trouble = f" ({error})"
    ours = all(line.startswith(_START) or _START.startswith(line) for line in lines)
    if not regular or trouble or not ours:
        raise StorageError(
            f"{path} was not written by `protect`{trouble}",
            expected="a folder of its own for the copies",
            remedy=f"move that file, or name another folder with {setting('out')}",
        )
    outcomes = []
    for line in lines:
        try:
            outcomes.append(_OUTCOME.validate_python(json.loads(line)))
        except (ValueError, RecursionError):
            continue  # cut short by a crash; what it spoke of was not written yet
    return outcomes


def source_of(photo: Photo) -> str:
    """As `Outcome.source`."""
    return digest_of(os.fsencode(real(photo.path)))


def copies_among(photos: Iterable[Photo]) -> Iterator[Photo]:
    """Those that are themselves copies which `protect` wrote, as they were written."""

    @cache
    def written(folder: Path) -> dict[str, set[str]]:
        """Digests by path, of the ledger in a folder."""
        found: dict[str, set[str]] = {}
        try:
            for line in read(folder):
                for path, digest in line.files.items():
                    found.setdefault(path, set()).add(digest)
        except StorageError:  # somebody else's file
            return {}
        return found

    for photo in photos:
        for folder in photo.path.parents:
            digests = written(folder).get(photo.path.relative_to(folder).as_posix())
            if digests and digest_or_none(photo) in digests:
                yield photo
                break


def digest_or_none(photo: Photo) -> str | None:
    """Of a photo's content; None where it cannot be read."""
    try:
        return digest_of(photo.read())
    except UnreadableImageError:
        return None
