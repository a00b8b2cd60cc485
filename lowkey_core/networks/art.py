"""Recognisers as estimators of ART (Adversarial Robustness Toolbox 1.20.1, arXiv 1807.01069).

- `regressor`: from faces to embeddings. Its loss is 1 - cosine to the embedding given as y, so
  FGSM, PGD and MIM, which ascend, move a face away from it; FeatureAdversaries finds the embedding
  as the layer `EMBEDDING`.
- `classifier`: who of a gallery is it? For what demands a classifier, such as AutoPGD.

What ART 1.20.1 does that surprises:

- A regressor flattens predictions before its loss, and not the labels.
- Where y is the picture's own embedding, the gradient of 1 - cosine is zero: start beside it.
  `num_random_init` raises for regressors. Arrays of the pictures' shape as `clip_values` bound each
  pixel by itself, so that an attack can start anywhere within a picture's budget.
- Layers are best named: a layer given by number gets one more hook at every call.
- It draws from numpy's global generator, and moves torch's: see `contained`.
- Its import takes seconds, so it is imported when something of it is first asked for.
"""

from __future__ import annotations

import contextlib
import importlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lowkey_core.networks.flip import AtArcFace
from lowkey_core.types import FACE_SIZE, Embeddings, Images, Network
from lowkey_core.work.runtime import device_of

EMBEDDING = "embedding"
"""The layer of either estimator whose output is the embedding."""
Bound = float | npt.NDArray[np.float32]
"""A limit of pixels: one for all, or (n, 3, 112, 112), a limit for each."""
_SHAPE = (3, FACE_SIZE, FACE_SIZE)


class Embedder(nn.Module):
    """Some networks as one: their embeddings side by side, as a unit vector. The cosine of two such
    is the mean of the networks' cosines.

    The networks are not its submodules: ART moves what it owns to a device and changes its mode.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        """networks: at least one, with gradients if any are wanted; frozen, as
        `recognisers.network` gives them. Each is fed at its own template, on its own device."""
        super().__init__()
        self.networks = tuple(AtArcFace(network) for network in networks)

    def forward(self, images: Images) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1]. Returns (n, d), d the sum of the networks'
        dimensions, on the device of `images`."""
        views = [f(images.to(device_of(f))).to(images.device) for f in self.networks]
        together: Embeddings = torch.cat(views, 1) / len(views) ** 0.5
        return together


class CosineLoss(nn.Module):
    """1 - cosine, as ART calls losses."""

    def __init__(self, reduction: str = "sum") -> None:
        """reduction: "sum" (the gradient of each picture is then its own), "mean" or "none". ART
        sets it, too."""
        super().__init__()
        self.reduction = reduction

    def forward(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        """wanted: (n, d). predicted: as many numbers, in any shape. Returns (n,), or one number."""
        wanted = wanted.to(predicted)
        each = 1 - F.cosine_similarity(predicted.reshape(wanted.shape), wanted)
        return {"none": each, "mean": each.mean(), "sum": each.sum()}[self.reduction]


class _Likeness(nn.Module):
    """Cosines to the people of a gallery, scaled."""

    def __init__(self, centres: Embeddings, scale: float) -> None:
        super().__init__()
        self.register_buffer("centres", F.normalize(centres.detach()))
        self.scale = scale

    def forward(self, embeddings: Embeddings) -> Tensor:
        return self.scale * embeddings @ self.get_buffer("centres").T


def module(name: str) -> Any:
    """A module of ART, called so. ART looks twice whether its file of settings is there, and fails
    if another process makes that file in between."""
    try:
        return importlib.import_module(name)
    except NameError:
        return importlib.import_module(name)


def regressor(networks: Sequence[Network], clip_values: tuple[Bound, Bound] = (0.0, 1.0)) -> Any:
    """An `art.estimators.regression.PyTorchRegressor`: x is (n, 3, 112, 112) float32 in [0, 1], y
    and predictions are (n, d), the embeddings as `Embedder` has them.

    networks: as of `Embedder`. clip_values: where attacks keep pixels.
    """
    art = module("art.estimators.regression.pytorch")
    return art.PyTorchRegressor(
        model=nn.Sequential(OrderedDict([(EMBEDDING, Embedder(networks))])),
        loss=CosineLoss(),
        input_shape=_SHAPE,
        clip_values=clip_values,
        preprocessing=None,
        device_type=_device_type(networks),
    )


def classifier(
    networks: Sequence[Network],
    centres: Embeddings,
    scale: float = 16.0,
    clip_values: tuple[Bound, Bound] = (0.0, 1.0),
) -> Any:
    """An `art.estimators.classification.PyTorchClassifier`: x is (n, 3, 112, 112) float32 in
    [0, 1], predictions are (n, k) logits: cosines to k people, times `scale`. The loss is
    cross-entropy, y one-hot (attacks of ART also take the number of a person).

    networks: as of `Embedder`. centres: (k, d), k > 1, a vector for each person, as `Embedder` has
    them, of any length. clip_values: where attacks keep pixels.
    """
    art = module("art.estimators.classification.pytorch")
    layers = [(EMBEDDING, Embedder(networks)), ("likeness", _Likeness(centres, scale))]
    return art.PyTorchClassifier(
        model=nn.Sequential(OrderedDict(layers)),
        loss=nn.CrossEntropyLoss(),
        input_shape=_SHAPE,
        nb_classes=len(centres),
        clip_values=clip_values,
        preprocessing=None,
        device_type=_device_type(networks),
    )


def _device_type(networks: Sequence[Network]) -> str:
    """Where ART puts pictures: with the first network, if ART knows such devices."""
    return "gpu" if device_of(AtArcFace(networks[0])).type == "cuda" else "cpu"


@contextlib.contextmanager
def contained(seed: int) -> Iterator[None]:
    """Inside, numpy's global generator, which ART draws from, is seeded. Afterwards it and torch's
    are as they were before, also if ART raised.

    seed: in [0, 2**32).
    """
    before = np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            np.random.seed(seed)
            yield
    finally:
        np.random.set_state(before)
