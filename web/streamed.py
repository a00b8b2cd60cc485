"""A zip archive that is sent while it is written."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from web.limits import PIECE


class _Sink(io.RawIOBase):
    """What was written since it was last asked; it cannot be wound back."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: object, /) -> int:
        content = bytes(piece)  # type: ignore[call-overload]
        self.pieces.append(content)
        return len(content)

    def taken(self) -> Iterator[bytes]:
        pieces, self.pieces = self.pieces, []
        for piece in pieces:
            for start in range(0, len(piece), PIECE):
                yield piece[start : start + PIECE]


class Streamed:
    """Files are stored as they are: pictures do not become smaller."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._archive = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_STORED)

    def add(self, name: str, content: bytes) -> Iterator[bytes]:
        """The bytes of one more file. Its date is always the same: it tells nothing."""
        self._archive.writestr(zipfile.ZipInfo(name), content)
        yield from self._sink.taken()

    def end(self) -> Iterator[bytes]:
        """The directory at the end."""
        self._archive.close()
        yield from self._sink.taken()
