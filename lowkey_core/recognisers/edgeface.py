"""EdgeFace (George et al., 2023, arXiv 2307.01838), a hybrid of convolutions and attention.

`xxs` is timm's EdgeNeXt-XX-Small with a head of 512 dimensions, and Idiap's weights.
"""

from __future__ import annotations

import datetime
import importlib

import torch.nn.functional as F
from safetensors.torch import load as parse_tensors
from torch import nn

from lowkey_core.errors import MissingWeightsError
from lowkey_core.types import ARCFACE, Embeddings, Images
from lowkey_core.weights import Card, read

MEMBERS = ("xxs",)

CARD = Card(
    name="edgeface:xxs",
    file="edgeface_xxs.safetensors",
    sha256="a64c87d2a080b02be568b3aa666adf938ae1792814028b63ec6ba8047c686ac6",
    source="https://github.com/otroshi/edgeface (edgeface_xxs_q.pt, dequantised)",
    licence="CC BY-NC-SA 4.0: evaluation only",
    released=datetime.date(2023, 7, 1),
    trained_on="WebFace260M subsets",
    data=frozenset({"WebFace260M"}),
    preprocessing="112x112 RGB, (x - 0.5) / 0.5",
    lineage=frozenset({"edgeface-xxs"}),
    family="convolutions and attention",
    size=2_504_608,
)
CARDS = {"xxs": CARD}


def build(member: str) -> EdgeFace:
    """Raises: MissingWeightsError (timm or the file), TamperedWeightsError."""
    del member  # only one exists
    content = read(CARD)
    try:
        timm = importlib.import_module("timm")
    except ImportError as error:
        raise MissingWeightsError(
            "edgeface:xxs needs the package timm, which is not installed",
            expected="timm, for the EdgeNeXt architecture",
            remedy="pip install timm",
        ) from error
    network = timm.create_model("edgenext_xx_small", pretrained=False)
    network.reset_classifier(512)
    network.load_state_dict({k: v.float() for k, v in parse_tensors(content).items()}, strict=True)
    return EdgeFace(network)


class EdgeFace(nn.Module):
    """1.24 million parameters; embeddings of 512 dimensions."""

    template = ARCFACE

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.card = CARD
        self.network = network

    def forward(self, images: Images) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1], aligned RGB. Returns (n, 512), unit norm."""
        return F.normalize(self.network((images - 0.5) / 0.5))
