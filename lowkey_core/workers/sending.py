"""What goes to a worker as bytes, and what its code and libraries must be for that."""

from __future__ import annotations

import functools
import hashlib
import importlib
import io
import pickle
import platform
import warnings
from dataclasses import dataclass
from typing import Any

import torch

from lowkey_core.errors import AuditError, WorkersError, some
from lowkey_core.plugins.code import loaded
from lowkey_core.work.provenance import libraries, source_digest


@dataclass(frozen=True)
class Function:
    """What makes groups, pickled once and sent to each worker once."""

    name: str
    """Digest of its content."""
    content: bytes


@dataclass(frozen=True)
class Order:
    """A group that is asked for."""

    function: str
    """Its name."""
    given: bytes
    """Pickled: what the function is given."""
    threads: int
    """Of torch: sums of floats depend on how many there are."""
    made_of: dict[str, str]
    """What the worker must be made of, too: `made_of`."""


def function(thing: object) -> Function:
    """Raises: whatever pickling raises."""
    content = pickled(thing)
    return Function(hashlib.blake2b(content, digest_size=16).hexdigest(), content)


def pickled(thing: object) -> bytes:
    """Classes and functions of the user's own files go with their code, whoever reads it has no
    such files. Raises: whatever pickling raises."""
    cloudpickle = importlib.import_module("cloudpickle")
    theirs = loaded()
    for module in theirs:
        cloudpickle.register_pickle_by_value(module)
    try:
        file = io.BytesIO()
        _pickler()(file).dump(thing)
        return file.getvalue()
    finally:
        for module in theirs:
            cloudpickle.unregister_pickle_by_value(module)


@functools.cache
def _pickler() -> Any:
    cloudpickle: Any = importlib.import_module("cloudpickle")

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        """TorchScript, too, which pickle refuses."""

        def reducer_override(self, thing: Any) -> Any:
            if isinstance(thing, torch.jit.ScriptModule):
                file = io.BytesIO()
                with warnings.catch_warnings(action="ignore"):  # there is no successor
                    torch.jit.save(thing, file)
                learns = any(each.requires_grad for each in thing.parameters())
                return script, (file.getvalue(), thing.training, learns)
            return super().reducer_override(thing)

    return Pickler


def script(content: bytes, training: bool, learns: bool) -> Any:
    """A TorchScript module from its bytes. learns: whether its parameters have gradients."""
    with warnings.catch_warnings(action="ignore"):
        module = torch.jit.load(io.BytesIO(content))
    for parameter in module.parameters():
        parameter.requires_grad_(learns)
    return module.train(training)


def unpickled(content: bytes) -> Any:
    """In a worker. Raises: WorkersError if what it names is not there, and any AuditError."""
    try:
        return pickle.loads(content)
    except AuditError:
        raise
    except Exception as error:  # whatever unpickling runs
        raise WorkersError(
            f"a worker cannot use what it is sent: {type(error).__name__}: {error}",
            expected="every package there that is here, and every device",
            remedy="install what your own files import where workers are started, or do without",
        ) from error


@functools.cache
def made_of() -> dict[str, str]:
    """By name, the versions that decide what this process computes, and the digest of our code."""
    versions = {name: str(version) for name, version in libraries().items()}
    return {"python": platform.python_version(), **versions, "our code": source_digest()}


def demand_same(other: dict[str, str], where: str) -> None:
    """other: `made_of` of the process that is `where`. Raises: WorkersError if it differs."""
    own = made_of()
    if differ := [name for name in {**own, **other} if own.get(name) != other.get(name)]:
        told = [f"{n} {other.get(n, 'none')} instead of {own.get(n, 'none')}" for n in differ]
        raise WorkersError(
            f"{where} has {some(told)}",
            expected="what this process is made of, so that results are the same",
            remedy="install the same versions and the same commit everywhere",
        )
