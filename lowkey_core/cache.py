"""Finished work, kept by content: nothing is computed twice, and nothing stale is taken.

A result is filed under the fingerprint of everything it was made from: pixels, settings,
weights, and the source code that did the work. Editing a cloak therefore forgets its results.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import tempfile
import types as python_types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as dump_tensors
from torch import Tensor, nn

Record = dict[str, Tensor]
"""What is kept under one key: tensors by name."""


def fingerprint(*things: object) -> str:
    """32 hex digits naming the content of `things`, equal in every process.

    Objects count by the code that defines their class and by their attributes
    (those starting with `_` excepted); networks by their weights and buffers as well. An object
    with a `fingerprint` of its own is taken at its word.
    """
    digest = hashlib.blake2b(digest_size=16)
    for thing in things:
        _feed(digest, thing)
    return digest.hexdigest()


def _feed(digest: Any, thing: object) -> None:
    def mark(kind: str, value: str = "") -> None:
        digest.update(f"{kind}:{len(value)}:{value};".encode())

    match thing:
        case None | bool() | int() | float() | str():
            mark(type(thing).__name__, repr(thing))
        case bytes():
            mark("bytes", hashlib.blake2b(thing).hexdigest())
        case Path():
            mark("path", str(thing))
        case Tensor():
            content = thing.detach().cpu().contiguous().numpy().tobytes()
            mark(f"tensor{tuple(thing.shape)}{thing.dtype}", hashlib.blake2b(content).hexdigest())
        case Mapping():
            mark("mapping", str(len(thing)))
            for key in sorted(thing, key=str):
                mark("key", str(key))
                _feed(digest, thing[key])
        case set() | frozenset():
            _feed(digest, sorted(thing, key=str))
        case Sequence():
            mark("sequence", str(len(thing)))
            for item in thing:
                _feed(digest, item)
        case nn.Module():
            mark("network", f"{_source(type(thing))}{thing.training}")
            _feed(digest, thing.state_dict())
            _feed(digest, {k: v for k, v in vars(thing).items() if k[0] != "_" and k != "training"})
        case python_types.FunctionType() | python_types.MethodType() | type():
            mark("function", f"{_source(thing)}{thing.__qualname__}")
            closure = getattr(thing, "__closure__", None) or ()
            _feed(digest, [cell.cell_contents for cell in closure])
        case _ if isinstance(getattr(thing, "fingerprint", None), str):
            mark("named", thing.fingerprint)  # type: ignore[attr-defined]
        case _:
            mark("object", f"{type(thing).__qualname__}{_source(type(thing))}")
            state = vars(thing) if hasattr(thing, "__dict__") else {"repr": repr(thing)}
            _feed(digest, {k: v for k, v in state.items() if not k.startswith("_")})


@functools.cache
def _source_of(folder_or_file: Path) -> str:
    files = sorted(folder_or_file.rglob("*.py")) if folder_or_file.is_dir() else [folder_or_file]
    return hashlib.blake2b(b"".join(f.read_bytes() for f in files), digest_size=16).hexdigest()


def _source(thing: Any) -> str:
    """Digest of the code that defines a class or function: code is an input too.

    Our own code counts as the whole package it is in, as any of it may take part; anybody
    else's as its file.
    """
    module = str(getattr(thing, "__module__", ""))
    package = module.partition(".")[0]
    if package in ("lowkey_core", "adversaries"):
        return _source_of(Path(str(sys.modules[package].__file__)).parent)
    file = getattr(sys.modules.get(module), "__file__", None)
    return _source_of(Path(file)) if file and Path(file).is_file() else module


class Cache:
    """A folder of tensors by key. Writes are atomic: a half-written file is never seen."""

    def __init__(self, root: Path | None) -> None:
        """root: the folder, made when first needed; None keeps nothing."""
        self.root = root

    def get(self, key: str) -> Record | None:
        """The record under `key`, or None. A damaged file counts as absent, and is removed."""
        if self.root is None:
            return None
        path = self._path(key)
        try:
            return dict(parse_tensors(path.read_bytes()))
        except FileNotFoundError:
            return None
        except SafetensorError:
            path.unlink(missing_ok=True)
            return None

    def put(self, key: str, record: Record) -> None:
        """File `record` under `key`, whole or not at all."""
        if self.root is None:
            return
        plain = {name: tensor.detach().contiguous().clone() for name, tensor in record.items()}
        write_atomically(self._path(key), dump_tensors(plain))

    def forget(self, key: str) -> None:
        """Remove what is under `key`, if anything."""
        if self.root is not None:
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        assert self.root is not None
        return self.root / key[:2] / f"{key[2:]}.safetensors"


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader, or a crash, sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


Show = Callable[[str, int, int], None]
"""Told of progress: what is being done, how much is done, how much there is."""


def silent(label: str, done: int, total: int) -> None:
    """A `Show` that says nothing."""


@dataclass(frozen=True)
class Work:
    """How anything that takes long is done: kept when finished, and shown while under way."""

    cache: Cache = field(default_factory=lambda: Cache(None))
    show: Show = silent
    _embeddings: dict[tuple[str, str], Tensor] = field(default_factory=dict)

    def through(
        self, label: str, keys: Sequence[str], make: Callable[[int], Record]
    ) -> list[Record]:
        """One record per key: the kept one, or `make(i)`, kept as soon as it is made."""
        records = []
        for i, key in enumerate(keys):
            record = self.cache.get(key)
            if record is None:
                self.show(label, i, len(keys))
                record = make(i)
                self.cache.put(key, record)
            records.append(record)
        self.show(label, len(keys), len(keys))
        return records

    def per_face(
        self,
        label: str,
        function: Callable[[Tensor], Tensor],
        images: Tensor,
        digests: Sequence[str],
        *,
        batch: int = 64,
    ) -> Tensor:
        """`function` over faces in batches, remembered per face: (n, 3, h, w) to (n, d).

        function: (b, 3, h, w) to (b, d), evaluated without gradients.
        digests: a content name per face, as `Faces.digests`.
        """
        mark = fingerprint(function)
        memory = self._embeddings
        new = {d: i for i, d in reversed(list(enumerate(digests))) if (mark, d) not in memory}
        missing = sorted(new.values())
        batches = [missing[i : i + batch] for i in range(0, len(missing), batch)]

        def make(b: int) -> Record:
            with torch.no_grad():
                return {"rows": function(images[batches[b]])}

        keys = [fingerprint("per face", mark, [digests[i] for i in rows]) for rows in batches]
        for rows, record in zip(
            batches, self.through(label, keys, make) if keys else [], strict=True
        ):
            memory.update(
                ((mark, digests[i]), row) for i, row in zip(rows, record["rows"], strict=True)
            )
        return torch.stack([memory[mark, d] for d in digests])
