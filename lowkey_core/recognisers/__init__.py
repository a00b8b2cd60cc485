"""Recognisers. Each file exports `build(...)`, a network with a `card`, or a service.

A network takes one view of a face to one unit vector, and is differentiable unless its card says
black box. A service takes pictures, finds faces itself and answers searches: a `Recognition`.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch import Generator, nn

from lowkey_core.checks import check_embeddings
from lowkey_core.errors import OptionError
from lowkey_core.networks import local
from lowkey_core.plugins import Kind
from lowkey_core.plugins.code import is_file
from lowkey_core.services.asking import Services
from lowkey_core.spec import parse
from lowkey_core.types import ARCFACE, Network, Recognition, Template
from lowkey_core.weights import Card, sidecar, unverified_card
from lowkey_core.work.runtime import device_of

CPU = torch.device("cpu")
RECOGNISERS: Kind[Network | Recognition] = Kind(
    "recogniser",
    "lowkey_core.recognisers",
    promises=("__call__", "enrol"),
    files=("PATH.py", "PATH.pt", "PATH.onnx"),
)


def load(
    name: str, device: torch.device = CPU, services: Services | None = None
) -> Network | Recognition:
    """The recogniser called `name`: `dlib`, `mobilefacenet:ms1m`, ... or a user's `.pt`, `.onnx` or
    `.py` file. The first two need a card beside them, `NAME.toml`; the last may have one.

    device: where its weights are put; what is a black box stays on the CPU. services: the
    commercial ones that may be asked; None: none.
    A `.py` file's network is tried on two faces: better now than after an hour of cloaking.
    Raises: UnknownNameError, OptionError, MissingWeightsError, TamperedWeightsError,
    LocalNetworkError, PluginError, ServiceError.
    """
    spec, granted = parse(name), {"services": services or Services()}
    path = Path(spec.name)
    loaded: Any
    if path.suffix in local.SUFFIXES:
        loaded = local.load(path)
    elif is_file(spec.name) and sidecar.path_of(path).is_file():
        beside, content = sidecar.verified(path)  # before anything of the file is run
        loaded = RECOGNISERS.load(spec, granted=granted, content=content)
        loaded.card = beside.card(path)
    else:
        loaded = RECOGNISERS.load(spec, granted=granted)
    if not isinstance(getattr(loaded, "card", None), Card):
        loaded.card = unverified_card(name)
    if hasattr(loaded, "enrol"):
        return loaded  # type: ignore[no-any-return]
    if not isinstance(getattr(loaded, "template", None), Template):
        loaded.template = ARCFACE
    if isinstance(loaded, nn.Module):
        loaded.eval().requires_grad_(False).to(memory_format=torch.channels_last).to(device)
    if is_file(spec.name):
        side = loaded.template.size
        faces = torch.rand(2, 3, side, side, generator=Generator().manual_seed(0))
        faces = faces.to(device_of(loaded))
        with torch.no_grad():
            check_embeddings(loaded(faces), len(faces), name)
    return loaded  # type: ignore[no-any-return]


def network(name: str, device: torch.device = CPU) -> Network:
    """The network called `name`: a surrogate is one. Raises: OptionError for a service, and as
    `load`."""
    loaded = load(name, device, Services(use="foreseen"))
    if hasattr(loaded, "enrol"):
        raise OptionError(
            f"{name} is a service",
            expected="a network, which gives embeddings",
            remedy="name another, see `list recognisers`",
        )
    return loaded


def cards() -> dict[str, Card]:
    """By name, the card of every network that comes with this project; none is loaded."""
    found = {}
    for name in RECOGNISERS.available():
        _, _, member = name.partition(":")
        known = getattr(_module(name), "CARDS", {})
        if member in known:  # a file that somebody dropped in need not have any
            found[name] = known[member]
    return found


def services() -> dict[str, str]:
    """By name, whose service it is, of those that come with this project."""
    found = ((name, getattr(_module(name), "SERVICE", "")) for name in RECOGNISERS.available())
    return {name: whose for name, whose in found if whose}


def _module(name: str) -> object:
    """Our file of a recogniser; None of one that somebody else has installed."""
    path = f"lowkey_core.recognisers.{name.partition(':')[0].replace('-', '_')}"
    return importlib.import_module(path) if importlib.util.find_spec(path) else None
