"""Recognisers. Each file exports `build(member) -> Embedder`, a network with a `card`.

An embedder is one view of a face to one unit vector, and differentiable. Recognition averages
two views, the face and its mirror image (`FlipAveraged`), as face.evoLVe and LowKey do.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Generator, nn

from lowkey_core import plugins
from lowkey_core.checks import check_embeddings
from lowkey_core.networks import local
from lowkey_core.types import FACE_SIZE, Embedder
from lowkey_core.weights import Card, card_of, sidecar, unverified_card


def load(name: str) -> Embedder:
    """The embedder called `name`: `dlib`, `mobilefacenet:ms1m`, ... or a user's `.pt`, `.onnx` or
    `.py` file. The first two need a card beside them, `NAME.toml`; the last may have one.

    A `.py` file's is tried on two faces: better now than after an hour of cloaking.
    Raises: UnknownNameError, MissingWeightsError, TamperedWeightsError, LocalNetworkError,
    PluginError.
    """
    path = Path(name)
    embedder: Any
    if path.suffix in local.SUFFIXES:
        embedder = local.load(path)
    elif plugins.is_file(name) and sidecar.path_of(path).is_file():
        beside, content = sidecar.verified(path)  # before anything of the file is run
        embedder = plugins.load("lowkey_core.recognisers", name, content=content)
        embedder.card = beside.card(path)
    else:
        embedder = plugins.load("lowkey_core.recognisers", name)
        if not hasattr(embedder, "card"):
            embedder.card = unverified_card(name)
    if isinstance(embedder, nn.Module):
        embedder.eval().requires_grad_(False)
    if plugins.is_file(name):
        faces = torch.rand(2, 3, FACE_SIZE, FACE_SIZE, generator=Generator().manual_seed(0))
        with torch.no_grad():
            check_embeddings(embedder(faces), len(faces), name)
    return embedder  # type: ignore[no-any-return]


def cards() -> dict[str, Card]:
    """By name, the card of every recogniser that comes with this project; no network is loaded."""
    package = "lowkey_core.recognisers"
    found = {}
    for name in plugins.available(package):
        family, _, member = name.partition(":")
        known = getattr(importlib.import_module(f"{package}.{family}"), "CARDS", {})
        if member in known:  # a file that somebody dropped in need not have any
            found[name] = known[member]
    return found


def held_out(embedder: Embedder, surrogates: Iterable[Embedder]) -> bool | None:
    """Whether `embedder` shares no weights, teacher or training run with any surrogate; None
    where a card does not state its lineage."""
    own, others = card_of(embedder), [card_of(s) for s in surrogates]
    if any(_same(own, other) or own.lineage & other.lineage for other in others):
        return False
    return True if own.lineage and all(other.lineage for other in others) else None


def _same(a: Card, b: Card) -> bool:
    return a.name == b.name or a.sha256 == b.sha256 != ""


def shared_data(embedder: Embedder, surrogates: Iterable[Embedder]) -> tuple[str, ...]:
    """The data sets that `embedder` and a surrogate were trained on, as their cards state."""
    of_surrogates = frozenset().union(*(card_of(s).data for s in surrogates))
    return tuple(sorted(card_of(embedder).data & of_surrogates))
