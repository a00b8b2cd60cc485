"""Records as bytes: safetensors, sealed with a digest, so that damage is never taken for a result.

safetensors notices a cut file, not a flipped bit. The seal stands in the file's metadata and covers
every other byte of it, and the key it is filed under.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as dump_tensors
from torch import Tensor

Record = dict[str, Tensor]
"""What is kept under one key: tensors by name."""
Fits = Callable[[Record], bool]
"""Whether a kept record holds what is read from it."""

_NAME, _DIGITS = "blake2b", 32
_MARK = f'"{_NAME}":"'.encode()  # in the header, where a quote in a tensor's name is escaped


def anything(record: Record) -> bool:
    """A `Fits` of records that hold what they may."""
    del record
    return True


def shaped(**layout: tuple[torch.dtype | None, *tuple[int | None, ...]]) -> Fits:
    """A `Fits`: of each tensor its type and its sizes; None: any."""

    def fits(record: Record) -> bool:
        for name, (dtype, *sizes) in layout.items():
            if (found := record.get(name)) is None or found.dim() != len(sizes):
                return False
            if dtype not in (None, found.dtype):
                return False
            if any(n not in (None, m) for n, m in zip(sizes, found.shape, strict=True)):
                return False
        return True

    return fits


def seal(key: str, record: Record) -> bytes:
    """The file of `record` under `key`."""
    plain = {name: tensor.detach().contiguous().clone() for name, tensor in record.items()}
    content = dump_tensors(plain, {_NAME: "0" * _DIGITS})
    start = content.index(_MARK) + len(_MARK)
    return content[:start] + _digest(key, content, start) + content[start + _DIGITS :]


def unseal(key: str, content: bytes) -> Record | None:
    """The record in a file found under `key`; None unless every byte is as `seal` wrote it. Whoever
    can write the file can seal it, so what is sealed need not be tensors."""
    start = content.find(_MARK) + len(_MARK)
    if content[start : start + _DIGITS] != _digest(key, content, start):
        return None
    try:
        return dict(parse_tensors(content))
    except Exception:  # whatever the parser makes of it
        return None


def _digest(key: str, content: bytes, start: int) -> bytes:
    """Of everything but the seal itself, which begins at `start`."""
    digest = hashlib.blake2b(content[:start], digest_size=_DIGITS // 2, key=key.encode())
    digest.update(memoryview(content)[start + _DIGITS :])
    return digest.hexdigest().encode()
