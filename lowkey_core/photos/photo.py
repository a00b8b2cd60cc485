"""One photo of one person: where its bytes are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lowkey_core.photos.decoding import read_file


@dataclass(frozen=True)
class Photo:
    """One picture file, or the part of an archive that holds it."""

    identity: str
    name: str
    """Unique in its data set."""
    path: Path
    offset: int = 0
    """Where in `path` the picture's bytes start."""
    size: int = -1
    """How many bytes; -1: to the end."""

    def read(self) -> bytes:
        """The encoded picture. Raises: UnreadableImageError."""
        return read_file(self.path, self.offset, self.size)
