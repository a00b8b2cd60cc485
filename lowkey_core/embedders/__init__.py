"""Recognisers. Each file exports `build(member) -> Embedder`, a network with a `card`.

An embedder is one view of a face to one unit vector, and differentiable. Recognition averages
two views, the face and its mirror image (`FlipAveraged`), as face.evoLVe and LowKey do.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, nn

from lowkey_core import cache, plugins
from lowkey_core.cache import Work
from lowkey_core.checks import check_embeddings
from lowkey_core.embedders import _local, _sidecar
from lowkey_core.types import FACE_SIZE, Embedder, Embeddings, Faces, Images
from lowkey_core.weights import Card, unverified_card


def load(name: str) -> Embedder:
    """The embedder called `name`: `dlib`, `mobilefacenet:ms1m`, ... or a user's `.pt`, `.onnx` or
    `.py` file. The first two need a card beside them, `NAME.toml`; the last may have one.

    A `.py` file's is tried on two faces: better now than after an hour of cloaking.
    Raises: UnknownNameError, MissingWeightsError, TamperedWeightsError, LocalNetworkError,
    PluginError.
    """
    path = Path(name)
    embedder: Any
    if path.suffix in _local.SUFFIXES:
        embedder = _local.load(path)
    elif plugins.is_file(name) and _sidecar.path_of(path).is_file():
        sidecar, content = _sidecar.verified(path)  # before anything of the file is run
        embedder = plugins.load("lowkey_core.embedders", name, content=content)
        embedder.card = sidecar.card(path)
    else:
        embedder = plugins.load("lowkey_core.embedders", name)
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
    package = "lowkey_core.embedders"
    found = {}
    for name in plugins.available(package):
        family, _, member = name.partition(":")
        known = getattr(importlib.import_module(f"{package}.{family}"), "CARDS", {})
        if member in known:  # a file that somebody dropped in need not have any
            found[name] = known[member]
    return found


def card_of(embedder: Embedder) -> Card:
    """The card that `load` made sure of."""
    return embedder.card  # type: ignore[attr-defined,no-any-return]


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


def _name(embedder: Embedder) -> str:
    return card_of(embedder).name if hasattr(embedder, "card") else type(embedder).__name__


class FlipAveraged:
    """A recogniser's embedding: the face's and its mirror image's, added and normalised."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    @cached_property
    def fingerprint(self) -> str:
        """Computed once: the network must not change under a `FlipAveraged`."""
        return cache.fingerprint("flip-averaged", self.embedder)

    def __call__(self, images: Images, /) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1]. Returns (n, d), unit norm.

        Raises: PluginError.
        """
        views = [self.embedder(images), self.embedder(images.flip(-1))]
        for view in views:  # anybody's recogniser passes here, so here it is checked
            check_embeddings(view, len(images), _name(self.embedder))
        return F.normalize(views[0] + views[1])

    def embed(self, faces: Faces, work: Work) -> Embeddings:
        """Embeddings of `faces`, each face computed once however often it is asked for."""
        label = f"embedding with {card_of(self.embedder).name}"
        return work.per_face(label, self, faces.images, faces.digests)
