"""FaceNet on Inception-ResNet-v1 (David Sandberg, 2018), as converted by facenet-pytorch.

The class is the package's. Weights are read through our cards, not with the package's downloader,
which verifies nothing.
"""

from __future__ import annotations

import datetime
import importlib

import torch.nn.functional as F
from torch import nn

from lowkey_core.types import Embeddings, Images, Template
from lowkey_core.weights import Card
from lowkey_core.weights.checkpoints import fill, state_of


def _card(member: str, released: datetime.date, trained_on: str) -> Card:
    file = f"{released:%Y%m%d}-{_TIMES[member]}-{member}.pt"
    return Card(
        name=f"facenet:{member}",
        file=file,
        sha256="",  # not published
        source="https://github.com/timesler/facenet-pytorch/releases/tag/v2.2.9",
        licence="MIT",
        released=released,
        trained_on=trained_on,
        data=frozenset({trained_on}),
        preprocessing="warped to 160x160; RGB, (255 x - 127.5) / 128",
        lineage=frozenset({f"facenet-{member}-sandberg"}),
        family="Inception-ResNet",
        url=f"https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/{file}",
    )


_TIMES = {"vggface2": "114759", "casia-webface": "102900"}
CARDS = {
    "vggface2": _card("vggface2", datetime.date(2018, 4, 2), "VGGFace2"),
    "casia-webface": _card("casia-webface", datetime.date(2018, 4, 8), "CASIA-WebFace"),
}
MEMBERS = tuple(CARDS)

CHIP = Template("facenet", 160, ((1.863, 0.0, -26.8), (0.0, 1.403, -8.97)), margin=14)
"""MTCNN's box with a margin of 14 pixels, stretched to a square as the package does."""


def build(member: str) -> FaceNet:
    """Raises: MissingWeightsError, TamperedWeightsError."""
    card = CARDS[member]
    state = state_of(card)
    for name in ("logits.weight", "logits.bias"):  # the classifier of the training identities
        state.pop(name, None)
    return FaceNet(
        fill(importlib.import_module("facenet_pytorch").InceptionResnetV1, state, card), card
    )


class FaceNet(nn.Module):
    """23 million parameters; embeddings of 512 dimensions."""

    template = CHIP

    def __init__(self, network: nn.Module, card: Card) -> None:
        super().__init__()
        self.network, self.card = network, card

    def forward(self, images: Images) -> Embeddings:
        """images: (n, 3, 160, 160) float32 in [0, 1], RGB chips. Returns (n, 512), unit norm."""
        return self.describe(images)

    def describe(self, chips: Images) -> Embeddings:
        """chips: (n, 3, 160, 160) float32 in [0, 1]. Returns (n, 512), unit norm."""
        return F.normalize(self.network((chips * 255 - 127.5) / 128))
