"""Embeddings that were made before, of strangers whose pictures need not be at hand.

`NAME.npy` has a row for each stranger: float32, of unit length, of a face and its mirror image
(`FlipAveraged`). They mean something to the recogniser alone that made them, so `NAME.json` beside
the file names it: `{"recogniser": "dlib", "sha256": "..."}`, with the digest of its weights as
reports list it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field

from lowkey_core import weights
from lowkey_core.errors import DatasetError
from lowkey_core.types import Embeddings
from lowkey_core.weights import Card
from lowkey_core.work import documents
from lowkey_core.work.files import explained, open_regular, replacing, write_atomically

SUFFIX = ".npy"
MOST_NUMBERS = 4096
"""Of an embedding."""
_UNIT = 1e-3
"""By how much a length may differ from 1."""
_ROWS = 65_536


class Maker(BaseModel):
    """What is in the file beside."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recogniser: str = Field(min_length=1, max_length=200)
    sha256: str = Field(pattern="^([0-9a-f]{64})?$")
    """"" of a recogniser without a file of its own."""

    def made(self, card: Card) -> bool:
        """Whether it is the recogniser with this card."""
        return (self.recogniser, self.sha256) == (card.name, weights.digest(card))


@dataclass(frozen=True)
class Ready:
    """A file of embeddings."""

    path: Path
    maker: Maker
    vectors: Embeddings
    """(n, d), mapped: what is not looked at is not read."""


def is_ready(name: str) -> bool:
    """Whether a data set's name is that of such a file."""
    return name.lower().endswith(SUFFIX)


def read(path: Path) -> Ready:
    """Raises: DatasetError, with what is wrong."""
    beside = path.with_suffix(".json")
    try:
        maker = documents.parsed(documents.content(beside), Maker)
    except (OSError, ValueError) as error:
        raise _wrong(beside, str(error)) from error
    try:
        with open_regular(path):
            rows = np.lib.format.open_memmap(path, mode="c")
    except Exception as error:  # a hostile header may raise whatever numpy's parser makes of it
        raise _wrong(path, str(error) or type(error).__name__) from error
    kind = f"{rows.dtype} of shape {rows.shape}"
    if not (rows.dtype == np.float32 and rows.ndim == 2 and rows.flags.c_contiguous):
        raise _wrong(path, f"it holds {kind}")
    if not (len(rows) and 1 <= rows.shape[1] <= MOST_NUMBERS):
        raise _wrong(path, f"it holds {kind}")
    vectors = torch.from_numpy(np.asarray(rows))
    for start in range(0, len(vectors), _ROWS):
        off = ~((vectors[start : start + _ROWS].norm(dim=1) - 1).abs() <= _UNIT)  # also NaN
        if off.any():
            row = start + int(off.nonzero()[0])
            raise _wrong(path, f"row {row} is not of length 1")
    return Ready(path, maker, vectors)


def write(path: Path, vectors: Embeddings, card: Card) -> None:
    """Such a file, and the one beside it. card: of the recogniser that made them.

    Raises: StorageError.
    """
    maker = Maker(recogniser=card.name, sha256=weights.digest(card))
    with explained(path), replacing(path) as file:
        np.save(file, vectors.detach().cpu().contiguous().numpy(), allow_pickle=False)
    write_atomically(path.with_suffix(".json"), f"{maker.model_dump_json(indent=1)}\n".encode())


def _wrong(path: Path, why: str) -> DatasetError:
    return DatasetError(
        f"{path} cannot be used ({why})",
        expected=f"float32 rows of unit length in NAME{SUFFIX}, at most {MOST_NUMBERS} numbers "
        "each, beside NAME.json with the fields recogniser and sha256",
        remedy="write both again (lowkey_core.recognition.ready.write)",
    )
