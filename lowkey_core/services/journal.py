"""Collections that may be left at services: one file each, beside the work that is kept.

A file is written before its collection is made, and removed after it is deleted. Its first line
says where the collection is, each further line what became of one photo, so that an interrupted
run goes on with it. Whoever uses a collection holds the lock of its file, from before the file is
there.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from lowkey_core.services.answers import Kept, Said
from lowkey_core.work import documents, storage
from lowkey_core.work.files import explained, locked, write_atomically

LASTS = datetime.timedelta(hours=48)
"""How long an interrupted run may go on with its collections."""
FOLDER = "services"
_SUFFIX = ".jsonl"
_NAME = re.compile(r"lowkey-audit-[0-9a-f]{32}")


class Header(Kept):
    """Of a collection: where it is, and whose. No key of an account."""

    version: Literal[1] = 1
    spec: Annotated[str, Field(max_length=1000)]
    """The recogniser that made it."""
    host: Annotated[str, Field(max_length=300)]
    account: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """A mark of the account that it is in: see `marked`."""
    gallery: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """Names the photos that belong in it."""
    photos: Annotated[int, Field(ge=0, lt=2**31)]
    made: AwareDatetime
    expires: AwareDatetime


class Line(Kept):
    """What became of a photo."""

    row: Annotated[int, Field(ge=0, lt=2**31)]
    said: Said
    handle: Annotated[str, Field(max_length=300)]


class InUseError(Exception):
    """Another process holds the lock; never leaves this room."""


@dataclass
class Entry:
    """A collection, and the lock of its file while it is open."""

    path: Path
    header: Header
    lines: dict[int, Line] = field(default_factory=dict)

    @property
    def collection(self) -> str:
        """Its name at the service."""
        return self.path.stem

    @property
    def expired(self) -> bool:
        """Whether nobody goes on with it."""
        return datetime.datetime.now(datetime.UTC) >= self.header.expires

    def of(self, account: str) -> bool:
        """Whether it is in that account; see `Vendor.account`."""
        return self.header.account == marked(account, self.collection)

    def write(self) -> None:
        """Without lines. Raises: StorageError: what cannot be noted must not be made."""
        write_atomically(self.path, self.header.model_dump_json().encode())

    def read(self) -> bool:
        """Reads its lines; False if it is gone. One that a killed process did not finish is passed
        over: each begins on a new line. Raises: StorageError."""
        header, written = _parts(self.path)
        for text in written:
            with contextlib.suppress(ValueError):
                line = Line.model_validate_json(text)
                if line.row < self.header.photos:
                    self.lines[line.row] = line
        return header is not None

    def note(self, line: Line) -> None:
        """Before the next photo is sent. Raises: StorageError."""
        self.lines[line.row] = line
        with explained(self.path), self.path.open("ab") as file:
            file.write(f"\n{line.model_dump_json()}".encode())
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        """The collection is deleted. Raises: StorageError."""
        with explained(self.path):
            self.path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else uses it meanwhile. Raises: InUseError, StorageError."""

        def busy() -> None:
            raise InUseError(self.path)

        with contextlib.ExitStack() as stack:
            with explained(self.path):
                stack.enter_context(locked(self.path, busy))
            yield


@dataclass(frozen=True)
class Journal:
    """All of them, of one cache folder."""

    folder: Path
    """Made when it is first needed."""

    def new(self, spec: str, host: str, account: str, gallery: str, photos: int) -> Entry:
        """One that is not written yet, so that it can be held before anybody sees it. account: as
        of `Vendor.account`. Raises: StorageError."""
        for folder in (self.folder.parent, self.folder):
            storage.make_private(folder)
        made = datetime.datetime.now(datetime.UTC)
        collection = f"lowkey-audit-{os.urandom(16).hex()}"
        header = Header(
            spec=spec,
            host=host,
            account=marked(account, collection),
            gallery=gallery,
            photos=photos,
            made=made,
            expires=made + LASTS,
        )
        return Entry(self.folder / f"{collection}{_SUFFIX}", header)

    def entries(self) -> list[Entry]:
        """The oldest first, without their lines; what is no file of ours is passed over.
        Raises: StorageError."""
        with explained(self.folder):
            paths = sorted(self.folder.glob(f"*{_SUFFIX}"))
        found = [Entry(p, h) for p in paths if _NAME.fullmatch(p.stem) and (h := _parts(p)[0])]
        return sorted(found, key=lambda entry: entry.header.made)


def marked(account: str, collection: str) -> str:
    """32 hex digits that tell accounts apart, from which none is read; no two collections have the
    same."""
    return hashlib.blake2b(account.encode(), key=collection.encode(), digest_size=16).hexdigest()


def _parts(path: Path) -> tuple[Header | None, list[bytes]]:
    """What a file holds. None: it is gone, or none of ours."""
    try:
        with explained(path):
            content = documents.content(path) if path.exists() else b""
        first, *others = content.split(b"\n")
        return Header.model_validate_json(first), others
    except ValueError:
        return None, []
