"""Finished work, kept by content: nothing is computed twice, and nothing stale is taken.

A result is filed under the fingerprint of everything it was made from: pixels, settings,
weights, the code of this project and of the plugin, the versions of the libraries. Editing a
cloak therefore forgets its results.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import logging
import re
import sys
import types as python_types
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lowkey_core.files import explained, write_atomically
from lowkey_core.records import Record as Record
from lowkey_core.records import seal, unseal

log = logging.getLogger(__name__)


def fingerprint(*things: object) -> str:
    """32 hex digits naming the content of `things`, and of the code that this project is.

    Objects count by their class's code and their attributes; networks by every layer's class,
    settings, weights and buffers, TorchScript also by its graph. An object with a `fingerprint` of
    its own is taken at its word. What cannot be named by content (an open session, say) gets a name
    of its own each time: it is computed again rather than confused.
    """
    digest = hashlib.blake2b(_project().encode(), digest_size=16)
    for thing in things:
        _feed(digest, thing, ())
    return digest.hexdigest()


@functools.cache
def _project() -> str:
    """Our code, the libraries and the number of threads: any may change any result."""
    root = Path(__file__).parents[1]
    files = [
        f for package in ("lowkey_core", "adversaries") for f in (root / package).rglob("*.py")
    ]
    code = hashlib.blake2b(b"".join(f.read_bytes() for f in sorted(files))).hexdigest()
    installed = {d.name: d.version for d in importlib.metadata.distributions()}
    libraries = [f"{name} {installed.get(name)}" for name in _LIBRARIES]
    return f"{code} {libraries} {torch.get_num_threads()}"


_LIBRARIES = ("torch", "torchvision", "numpy", "pillow", "facenet-pytorch", "timm", "lpips")
_MODULE_INTERNALS = frozenset(vars(nn.Module())) | {"_forward_pre_hooks_with_kwargs"}


def _feed(digest: Any, thing: Any, above: tuple[int, ...]) -> None:
    """above: the ids of the objects that hold `thing`, so that a circle ends."""

    def mark(kind: str, value: object = "") -> None:
        digest.update(f"{kind}:{len(str(value))}:{value};".encode())

    def feed(*parts: object) -> None:
        for part in parts:
            _feed(digest, part, (*above, id(thing)))

    if id(thing) in above:
        mark("circle", len(above) - above.index(id(thing)))
        return
    match thing:
        case None | bool() | int() | float() | str():
            mark(type(thing).__name__, repr(thing))
        case bytes():
            mark("bytes", hashlib.blake2b(thing).hexdigest())
        case Path():
            mark("path", thing)
        case Tensor():
            mark(f"tensor{thing.dtype}")
            feed(thing.detach().cpu().contiguous().numpy())
        case np.ndarray():
            mark(f"array{thing.shape}{thing.dtype}", hashlib.blake2b(thing.tobytes()).hexdigest())
        case Mapping():
            mark("mapping", len(thing))
            for key in sorted(thing, key=str):
                feed(key, thing[key])
        case set() | frozenset():
            feed(sorted(thing, key=str))
        case Sequence():
            mark("sequence", len(thing))
            feed(*thing)
        case nn.Module():
            feed(dict(thing.named_parameters()), dict(thing.named_buffers()))
            for name, layer in thing.named_modules():
                if isinstance(layer, torch.jit.ScriptModule):
                    feed(name, layer.training, _program(layer))
                    continue
                own = {k: v for k, v in vars(layer).items() if k not in _MODULE_INTERNALS}
                feed(name, type(layer), layer.training, own)
        case type():
            mark("class", thing.__qualname__)
            for base in thing.__mro__[:-1]:
                mark("base", _source(base))
        case functools.partial():
            feed(thing.func, thing.args, thing.keywords)
        case python_types.MethodType():
            feed(thing.__self__, thing.__func__)
        case python_types.FunctionType():
            mark("function", f"{_source(thing)}{thing.__qualname__}")
            feed([cell.cell_contents for cell in thing.__closure__ or ()])
        case _ if isinstance(getattr(thing, "fingerprint", None), str):
            mark("named", thing.fingerprint)
        case _:
            feed(type(thing), vars(thing) if hasattr(thing, "__dict__") else repr(thing))


def _program(layer: torch.jit.ScriptModule) -> list[object]:
    """A TorchScript module's content: its graph, and every constant and attribute that it reads."""
    if not layer._c._has_method("forward"):  # a list of layers, say: its parent's graph calls them
        return []
    graph: Any = layer.inlined_graph
    # Class names are numbered as they are loaded, and comments name the exporter's files.
    text = re.sub(r"\.___torch_mangle_\d+| # \S+:\d+:\d+$", "", str(graph), flags=re.MULTILINE)
    constants = [
        node.t("value")
        for node in graph.findAllNodes("prim::Constant")
        if node.hasAttribute("value") and node.kindOf("value") == "t"
    ]
    read = sorted({node.s("name") for node in graph.findAllNodes("prim::GetAttr")})
    parts = [(path, part._c) for path, part in layer.named_modules()]
    attributes = [(p, a, c.getattr(a)) for p, c in parts for a in read if c.hasattr(a)]
    values = [(p, a, v) for p, a, v in attributes if not isinstance(v, torch._C.ScriptModule)]
    return [text, constants, values]


@functools.cache
def _source_of(file: Path) -> str:
    return hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()


def _source(thing: Any) -> str:
    """Digest of the file that defines a class or function."""
    module = str(getattr(thing, "__module__", ""))
    file = getattr(sys.modules.get(module), "__file__", None)
    return _source_of(Path(file)) if file and Path(file).is_file() else module


class Cache:
    """A folder of tensors by key. Writes are atomic: a half-written file is never seen."""

    def __init__(self, root: Path | None) -> None:
        """root: the folder, made when first needed; None keeps nothing."""
        self.root = root

    def get(self, key: str) -> Record | None:
        """The record under `key`, or None. A damaged file counts as absent, and is removed.

        Raises: StorageError.
        """
        if self.root is None:
            return None
        path = self._path(key)
        with explained(path):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                return None
        record = unseal(key, content)
        if record is None:
            log.info("%s is damaged, and counts as absent", path)
            self.forget(key)
        return record

    def put(self, key: str, record: Record) -> None:
        """File `record` under `key`, whole or not at all. Raises: StorageError."""
        if self.root is not None:
            write_atomically(self._path(key), seal(key, record))

    def forget(self, key: str) -> None:
        """Remove what is under `key`, if anything. Raises: StorageError."""
        if self.root is not None:
            with explained(self._path(key)):
                self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        assert self.root is not None
        return self.root / key[:2] / f"{key[2:]}.safetensors"


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
    _tally: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, label: str, what: str, pieces: int = 1) -> None:
        """Note for the log that `pieces` were `what`: "found" in the cache, or "made"."""
        self._tally[label, what] += pieces

    def log_counts(self) -> None:
        """Say by label what was found in the cache and what was made, since this was last said."""
        for label in dict.fromkeys(label for label, _ in self._tally):
            found, made = self._tally[label, "found"], self._tally[label, "made"]
            log.info("%s: %d found in the cache, %d made", label, found, made)
        self._tally.clear()

    def through(
        self, label: str, keys: Sequence[str], make: Callable[[int], Record]
    ) -> list[Record]:
        """One record per key: the kept one, or `make(i)`, kept as soon as it is made."""
        records = []
        for i, key in enumerate(keys):
            record = self.cache.get(key)
            self.count(label, "made" if record is None else "found")
            if record is None:
                self.show(label, i, len(keys))
                # Laid out in memory as a kept one would be: sums of floats depend on it.
                record = {name: tensor.contiguous() for name, tensor in make(i).items()}
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
