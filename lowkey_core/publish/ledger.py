"""The ledger of an output folder: the outcome of every photo, one JSON object a line.

A line is written before the files that it names, so that after a crash every file in the folder is
either named in the ledger, with its digest, or not ours. A line cut short by a crash is ignored.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from lowkey_core.errors import StorageError, setting
from lowkey_core.photos.photo import digest_of
from lowkey_core.photos.protected import NAME, Outcome, read
from lowkey_core.work.files import explained, locked, read_regular, write_atomically


class Ledger:
    """The outcomes of an output folder, old and new; open in one process at a time."""

    def __init__(self, out: Path) -> None:
        """out: an existing folder."""
        self.out = out
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Raises: StorageError, also if another process has the ledger open.

        While it is open the folder holds the lock file `.protected.jsonl.lock`.
        """
        with explained(self.out), contextlib.ExitStack() as stack:
            stack.enter_context(locked(self.out / NAME, self._refuse))
            self.lines = read(self.out)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._open:
            if kind is None:
                self._compact()

    def _refuse(self) -> None:
        raise StorageError(
            f"another `protect` is at work in {self.out}",
            expected="one at a time in a folder",
            remedy=f"wait for it, or name another folder with {setting('out')}",
        )

    def done(self, source: str, photo: str, made_with: str) -> Outcome | None:
        """The outcome of a photo whose files are all there, whole and made with the same."""
        for line in reversed(self.lines):
            known = (line.source, line.photo, line.made_with) == (source, photo, made_with)
            if known and line.files and self._holds(line):
                return line
        return None

    def hindrance(self, path: str, source: str, photo: str) -> str:
        """Why a file of this photo must not be written at `path`; "" if it may."""
        present = self._digest(path)
        if present is None:
            return ""
        owners = [line for line in self.lines if path in line.files]
        mine = [line for line in owners if line.source == source or line.photo == photo]
        if any(line.files[path] == present for line in mine):
            return ""
        if mine:
            return f"{path} was changed since; delete it to have it made again"
        if owners:
            return f"{path} is of another photo; name another folder for copies"
        return f"{path} is there and was not written by this command"

    def record(self, outcome: Outcome) -> None:
        """Known on disk when this returns. Raises: StorageError."""
        if self._last().get(outcome.source) == outcome:
            return
        self.lines.append(outcome)
        path = self.out / NAME
        with explained(path), path.open("a+b") as file:
            file.seek(0, os.SEEK_END)
            if file.tell() and not _ends_whole(path):
                file.write(b"\n")
            file.write(_line(outcome))
            file.flush()
            os.fsync(file.fileno())

    def _last(self) -> dict[str, Outcome]:
        return {line.source: line for line in self.lines}

    def _holds(self, line: Outcome) -> bool:
        return all(self._is_there(path, digest) for path, digest in line.files.items())

    def _is_there(self, name: str, digest: str) -> bool:
        """Whether the file that a line names is in this folder, and as it was written."""
        path = self.out / name
        there = os.path.isfile(path)  # noqa: PTH113  is_file() raises on names that are too long
        inside = there and path.resolve().is_relative_to(self.out.resolve())
        return inside and self._digest(name) == digest

    def _digest(self, name: str) -> str | None:
        """Of what is there: "" of a folder, a FIFO or a link to nothing, None of nothing."""
        path = self.out / name
        with explained(path):
            if path.is_file():
                return digest_of(read_regular(path))
        return "" if os.path.lexists(path) else None

    def _compact(self) -> None:
        """The last line of every photo, and older ones that speak of files still there."""
        last = self._last()
        kept = list(last.values())
        for line in self.lines:
            older = {p: d for p, d in line.files.items() if p not in last[line.source].files}
            if any(self._is_there(path, digest) for path, digest in older.items()):
                kept.append(line)
        lines = b"".join(line for _, line in sorted({(o.name, _line(o)) for o in kept}))
        path = self.out / NAME
        if not path.exists() or path.read_bytes() != lines:
            write_atomically(path, lines)


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _line(outcome: Outcome) -> bytes:
    return json.dumps(dataclasses.asdict(outcome), sort_keys=True).encode() + b"\n"
