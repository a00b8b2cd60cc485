"""A photo of a data set: its identity, its name, and where its bytes are stored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lowkey_core.errors import UnreadableImageError
from lowkey_core.photos.decoding import read_file


@dataclass(frozen=True)
class Photo:
    """A picture file, or a part of an archive."""

    identity: str
    name: str
    """Unique in its data set."""
    path: Path
    offset: int = 0
    """Position of the picture's first byte in `path`."""
    size: int = -1
    """Number of bytes; -1: up to the end of the file."""

    @property
    def place(self) -> tuple[object, ...]:
        """Where it is stored: two photos of one place are one picture."""
        return self.path, self.offset

    def read(self) -> bytes:
        """The encoded picture. Raises: UnreadableImageError."""
        return read_file(self.path, self.offset, self.size)

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process it goes with its content: the file need not be there."""
        place = (self.identity, self.name, self.path, self.offset, self.size)
        try:
            return MadePhoto, (*place, self.read())
        except UnreadableImageError as error:
            return UnreadPhoto, (*place, error)


@dataclass(frozen=True)
class MadePhoto(Photo):
    """A photo whose file a program wrote, kept in memory."""

    written: bytes = field(default=b"", compare=False, repr=False)

    def read(self) -> bytes:
        """The file that it wrote."""
        return self.written


@dataclass(frozen=True)
class UnreadPhoto(Photo):
    """A photo whose file could not be read."""

    error: UnreadableImageError | None = field(default=None, compare=False, repr=False)

    def read(self) -> bytes:
        """Raises: UnreadableImageError."""
        assert self.error is not None
        raise self.error


def digest_of(content: bytes) -> str:
    """32 hex digits naming a file's content."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()
