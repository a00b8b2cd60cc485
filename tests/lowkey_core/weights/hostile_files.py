"""Weight files that are damaged, swapped, or execute code when they are unpickled."""

from __future__ import annotations

import io
import pickle
import random
from pathlib import Path
from typing import Any

import torch


class Bomb:
    """Creates the file `mark` when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.mark), "w")


def bombs(mark: Path) -> list[bytes]:
    """Pickles that create `mark`: a plain one, and one in each of PyTorch's two formats."""
    made = [pickle.dumps(Bomb(mark))]
    for zipped in (True, False):
        buffer = io.BytesIO()
        state = {"weight": torch.ones(2), "logits.bias": Bomb(mark)}
        torch.save(state, buffer, _use_new_zipfile_serialization=zipped)
        made.append(buffer.getvalue())
    return made


def checkpoint(seed: int) -> bytes:
    """A small harmless state dict."""
    buffer, rng = io.BytesIO(), torch.Generator().manual_seed(seed)
    torch.save({"conv.weight": torch.randn(8, 3, 3, 3, generator=rng)}, buffer)
    return buffer.getvalue()


def dumped(thing: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


FLIPS, CUTS, TAILS = 12, 4, 3
DAMAGE = (
    *(f"bit flip {i}" for i in range(FLIPS)),
    *(f"truncation {i}" for i in range(CUTS)),
    *(f"extension {i}" for i in range(TAILS)),
    *(f"code {i}" for i in range(3)),
    "another model's file",
    "empty",
    "a directory",
)


def damaged(content: bytes, kind: str, mark: Path) -> bytes:
    """`content` with the damage `kind`, one of DAMAGE; the same kind gives the same damage."""
    rng, which = random.Random(kind), kind.rpartition(" ")[2]
    if kind.startswith("bit flip"):
        made = bytearray(content)
        made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
        return bytes(made)
    if kind.startswith("truncation"):
        return content[: rng.randrange(1, len(content))]
    if kind.startswith("extension"):
        return content + rng.randbytes(1 + 100 * int(which))
    if kind.startswith("code"):
        return bombs(mark)[int(which)]
    return b"" if kind == "empty" else checkpoint(1000)
