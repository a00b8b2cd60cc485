"""AdaFace (Kim et al. 2022, arXiv 2204.00964): an IResNet whose margin adapts to the quality of the
picture."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from lowkey_core.networks.iresnet import TFACE, UNITS_100, IResNet
from lowkey_core.types import ARCFACE, Embeddings, Images
from lowkey_core.weights import Card
from lowkey_core.weights.checkpoints import fill, state_of

MEMBERS = ("r100",)

CARD = Card(
    name="adaface:r100",
    file="adaface_ir101_webface4m.ckpt",
    sha256="",  # not published
    source="https://github.com/mk-minchul/AdaFace (Pretrained Models, R100 on WebFace4M, "
    "Google Drive)",
    licence="MIT, and the terms of WebFace4M: evaluation only",
    released=datetime.date(2022, 4, 3),
    trained_on="WebFace4M, a subset of WebFace260M",
    data=frozenset({"WebFace4M", "WebFace260M"}),
    preprocessing="112x112 BGR, (x - 0.5) / 0.5",
    lineage=frozenset({"adaface-ir101-webface4m"}),
    family="residual network",
)
CARDS = {"r100": CARD}


def build(member: str) -> AdaFace:
    """Raises: MissingWeightsError, TamperedWeightsError."""
    card = CARDS[member]
    state = state_of(card, "state_dict")
    named = dict(_renamed(state, UNITS_100))
    return AdaFace(fill(lambda: IResNet(TFACE), named, card), card)


_WHOLE = {
    "input_layer.0": "conv1",
    "input_layer.1": "bn1",
    "input_layer.2": "prelu",
    "output_layer.0": "bn2",
    "output_layer.3": "fc",
    "output_layer.4": "features",
}
_UNIT = {
    "shortcut_layer.0": "downsample.0",
    "shortcut_layer.1": "downsample.1",
    "res_layer.0": "bn1",
    "res_layer.1": "conv1",
    "res_layer.2": "bn2",
    "res_layer.3": "prelu",
    "res_layer.4": "conv2",
    "res_layer.5": "bn3",
}
"""Names of layers in the file, and in `IResNet`; units are numbered through in the file."""


def _renamed(state: Mapping[str, Tensor], units: tuple[int, ...]) -> Iterator[tuple[str, Tensor]]:
    """The network's tensors under our names; the classifier of the training identities is left
    out."""
    names = dict(_WHOLE)
    places = [(stage, i) for stage, count in enumerate(units, 1) for i in range(count)]
    for number, (stage, i) in enumerate(places):
        for theirs, ours in _UNIT.items():
            names[f"body.{number}.{theirs}"] = f"layer{stage}.{i}.{ours}"
    for key, tensor in state.items():
        if key.startswith("model."):
            layer, _, tail = key.removeprefix("model.").rpartition(".")
            yield f"{names.get(layer, layer)}.{tail}", tensor


class AdaFace(nn.Module):
    """65 million parameters; embeddings of 512 dimensions."""

    template = ARCFACE

    def __init__(self, network: nn.Module, card: Card) -> None:
        super().__init__()
        self.network, self.card = network, card

    def forward(self, images: Images) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1], aligned RGB. Returns (n, 512), unit norm."""
        return F.normalize(self.network((images.flip(1) - 0.5) / 0.5))
