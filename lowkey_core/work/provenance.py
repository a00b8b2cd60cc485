"""Fingerprints: a name for everything that a result was made from.

A result is filed under the fingerprint of what made it: pixels, settings, weights, the versions of
the libraries, and the source of the modules that its code uses. Editing a cloak therefore forgets
what that cloak made, and adding a file forgets nothing.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import logging
import re
import sys
import types as python_types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

log = logging.getLogger(__name__)


def fingerprint(*things: object) -> str:
    """32 hex digits naming the content of `things`, and of the code that they run.

    Objects count by their class's code and their attributes; networks by every layer's class,
    settings, weights and buffers, TorchScript also by its graph. The code of a class or a function
    is its module, and every module of this project that it imports, directly or not. An object
    with a `fingerprint` of its own is taken at its word. What cannot be named by content (an open
    session, say) gets a name of its own each time: it is computed again rather than confused.
    """
    digest = hashlib.blake2b(_versions().encode(), digest_size=16)
    for thing in things:
        _feed(digest, thing, ())
    return digest.hexdigest()


def arithmetic() -> str:
    """What sums of floats depend on beside the code: the number of threads. Part of the key of
    whatever amplifies their last bits: training, and loops that follow a gradient's sign."""
    return f"{torch.get_num_threads()} threads"


@functools.cache
def libraries() -> dict[str, str | None]:
    """Versions of the libraries that results depend on; None: it is not installed."""
    installed = {d.name: d.version for d in importlib.metadata.distributions()}
    return {name: installed.get(name) for name in _LIBRARIES}


@functools.cache
def _versions() -> str:
    return str([f"{name} {version}" for name, version in libraries().items()])


_LIBRARIES = ("torch", "torchvision", "numpy", "pillow", "facenet-pytorch", "timm", "lpips")
_MODULE_INTERNALS = frozenset(vars(nn.Module())) | {"_forward_pre_hooks_with_kwargs"}


def _feed(digest: Any, thing: Any, above: tuple[int, ...]) -> None:
    """above: the ids of the objects that hold `thing`, so that a circle ends."""

    def mark(kind: str, value: object = "") -> None:
        digest.update(_marked(kind, value))

    def feed(*parts: object) -> None:
        for part in parts:
            _feed(digest, part, (*above, id(thing)))

    if id(thing) in above:
        mark("circle", len(above) - above.index(id(thing)))
        return
    match thing:
        case None | bool() | int() | float() | str():
            mark(type(thing).__name__, repr(thing))
        case tuple() | list():  # as any sequence; asked first, since most are
            mark("sequence", len(thing))
            feed(*thing)
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
            digest.update(_of_class(thing))
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


def _marked(kind: str, value: object) -> bytes:
    text = str(value)
    return f"{kind}:{len(text)}:{text};".encode()


@functools.cache
def _of_class(thing: type) -> bytes:
    """Its name, and the code of all that it is made of."""
    bases = (_marked("base", _source(base)) for base in thing.__mro__[:-1])
    return _marked("class", thing.__qualname__) + b"".join(bases)


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


def _source(thing: Any) -> str:
    """Digest of the code of a class or a function: `source_of` its file."""
    module = str(getattr(thing, "__module__", ""))
    file = getattr(sys.modules.get(module), "__file__", None)
    return source_of(Path(file)) if file and Path(file).is_file() else module


_PACKAGES = ("lowkey_core", "adversaries", "audit")
ROOT = Path(__file__).parents[2]
"""Above the packages of this project."""


def source_of(file: Path) -> str:
    """Digest of a source file, and of every module of this project that it imports, directly or
    not. Others are named by their version, or not at all. A file of this project is read once, a
    user's each time: it may be edited, and loaded again, while this process lives."""
    ours = any(file.is_relative_to(ROOT / package) for package in _PACKAGES)
    return _source_of(file, None if ours else file.read_bytes())


@functools.cache
def _source_of(file: Path, content: bytes | None) -> str:
    """content: of a file that is not ours."""
    found, waiting = {file}, [*_imports(file, content)]
    while waiting:
        imported = waiting.pop()
        if imported not in found:
            found.add(imported)
            waiting += _imports(imported)
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(found):
        read = content if path == file and content is not None else path.read_bytes()
        digest.update(hashlib.blake2b(read).digest())
    return digest.hexdigest()


@functools.cache
def source_digest() -> str:
    """Of all source files that a result may depend on, and of their names."""
    files = sorted(file for package in _PACKAGES for file in (ROOT / package).rglob("*.py"))
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        content = hashlib.blake2b(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(ROOT).as_posix()}:{content};".encode())
    return digest.hexdigest()


@functools.cache
def _imports(file: Path, content: bytes | None = None) -> tuple[Path, ...]:
    """The files of this project that a source file imports, wherever in it."""
    try:
        tree = ast.parse(file.read_bytes() if content is None else content)
    except (SyntaxError, ValueError):  # not Python: it has no imports
        return ()
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(path for name in names if (path := _file_of(name)) is not None)


def _file_of(module: str) -> Path | None:
    """The file of one of our modules; None for anybody else's."""
    parts = module.split(".")
    if parts[0] not in _PACKAGES:
        return None
    path = ROOT.joinpath(*parts)
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)
