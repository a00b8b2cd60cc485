"""Embeddings in a file, for searches in which the gallery need not be in memory.

What is looked at is mapped for as long as it is looked at, so that the memory in use is that of a
block, however many rows there are.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lowkey_core.types import Embeddings
from lowkey_core.work.files import explained

_BLOCK = 65_536
"""Rows that are mapped at once to take some of them."""
Rows = npt.NDArray[np.float32]
"""(n, d)."""


@dataclass(frozen=True)
class Vectors:
    """Rows of numbers in an open file."""

    file: Any
    """A binary file; its first byte belongs to the first row."""
    count: int
    size: int
    """Numbers of a row."""

    def __len__(self) -> int:
        return self.count

    def blocks(self, rows: int) -> Iterator[tuple[int, Rows]]:
        """From the first to the last: where a block begins, and its rows. A block is mapped
        for as long as it is held. rows: of a block."""
        for start in range(0, self.count, rows):
            yield start, self._mapped(start, min(start + rows, self.count))

    def take(self, rows: Tensor) -> Embeddings:
        """(m, d): a copy of the rows at these places, (m,) int64. Block by block, too: the system
        may map much around a row."""
        taken = torch.empty(len(rows), self.size)
        for start, block in self.blocks(_BLOCK):
            here = ((rows >= start) & (rows < start + len(block))).nonzero().flatten()
            taken[here] = torch.from_numpy(block[(rows[here] - start).numpy()])
            del block  # before the next one is mapped
        return taken

    def _mapped(self, start: int, end: int) -> Rows:
        if start == end:
            return np.zeros((0, self.size), np.float32)
        offset = start * self.size * np.dtype(np.float32).itemsize
        return np.memmap(self.file, np.float32, "r", offset, (end - start, self.size))


def written(parts: Iterable[Embeddings], folder: Path | None = None) -> Vectors:
    """The rows of all parts, one after the other, in a file that nobody else can open, and that is
    gone when it is no longer used. At least one part; all have as many columns.

    folder: where the file is; None, or one that may not be used: where temporary files are.
    Raises: StorageError if there is no room.
    """
    with explained(folder):
        file, count, size = _unnamed(folder), 0, 0
        for part in parts:
            rows = part.detach().cpu().contiguous().numpy().astype(np.float32, copy=False)
            file.write(rows.data)
            count, size = count + len(rows), rows.shape[1]
        file.flush()
    return Vectors(file, count, size)


def _unnamed(folder: Path | None) -> Any:
    if folder is not None:
        with contextlib.suppress(OSError):  # it is not there, or may not be written
            return tempfile.TemporaryFile(dir=folder)
    return tempfile.TemporaryFile()
