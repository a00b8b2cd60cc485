"""What became of every photo, kept beside the copies: one JSON object a line.

A line is written before the copy it speaks of, so that after a crash every file in the folder is
either named here by its digest or not ours. A line cut short by a crash is passed over.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from lowkey_core.files import explained, write_atomically

NAME = "protected.jsonl"


@dataclass(frozen=True)
class Outcome:
    """What became of one photo."""

    name: str
    """The photo, relative to what was named on the command line."""
    status: str
    """`protected`, `already protected`, `no face`, `unreadable` or `not written`."""
    detail: str = ""
    """Why, where it is not protected."""
    copy: str = ""
    """Path of the cloaked copy, relative to the output folder."""
    faces: int = 0
    """Faces cloaked."""
    dssim: float | None = None
    """Of the most visible face, as the file holds it."""
    made_of: str = ""
    """Digest of the photo and of all settings."""
    digest: str = ""
    """BLAKE2b of the copy."""


def digest_of(content: bytes) -> str:
    """32 hex digits naming a file's content."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


@dataclass
class Ledger:
    """The outcomes of an output folder, old and new."""

    out: Path
    latest: dict[str, Outcome] = field(default_factory=dict)
    """By photo."""
    ours: set[str] = field(default_factory=set)
    """Digest of every copy ever written here."""

    def __post_init__(self) -> None:
        path = self.out / NAME
        for line in path.read_bytes().splitlines() if path.exists() else ():
            try:
                self._take(Outcome(**json.loads(line)))
            except (ValueError, TypeError):
                continue  # cut short by a crash; what it spoke of was not written yet

    def _take(self, outcome: Outcome) -> None:
        self.latest[outcome.name] = outcome
        self.ours.add(outcome.digest)

    def done(self, name: str, made_of: str) -> Outcome | None:
        """The outcome of a photo whose copy is there, whole, and made of the same."""
        known = self.latest.get(name)
        if known is None or known.made_of != made_of or not known.digest:
            return None
        return known if self._digest(known.copy) == known.digest else None

    def may_write(self, copy: str) -> bool:
        """Whether nothing is there, or what is there was written by us and never changed."""
        present = self._digest(copy)
        return present is None or present in self.ours

    def _digest(self, copy: str) -> str | None:
        path = self.out / copy
        return digest_of(path.read_bytes()) if path.is_file() else None

    def record(self, outcome: Outcome) -> None:
        """Known on disk when this returns. Raises: StorageError."""
        if self.latest.get(outcome.name) == outcome:
            return
        self._take(outcome)
        path = self.out / NAME
        with explained(path), path.open("a+b") as file:
            if file.tell() and not _ends_whole(path):
                file.write(b"\n")
            file.write(_line(outcome))
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        """One line a photo, by name."""
        lines = b"".join(_line(o) for _, o in sorted(self.latest.items()))
        path = self.out / NAME
        if not path.exists() or path.read_bytes() != lines:
            write_atomically(path, lines)


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _line(outcome: Outcome) -> bytes:
    return json.dumps(dataclasses.asdict(outcome), sort_keys=True).encode() + b"\n"
