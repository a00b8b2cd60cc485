"""The zoo: small recognisers that ship with this project, so that no download is needed.

`ir-arcface` and `resnet-cosface` are small versions of LowKey's two architectures and losses, and
the default surrogates. `mobile` and `vit` have other architectures and another teacher: they are
held out from the first two. They are not newer than any cloak, and results on them do not carry
over to large recognisers. Recipe: `zoo train NAME`; docs/zoo.md.
"""

from __future__ import annotations

import datetime

import torch
import torch.nn.functional as F
from torch import nn

from lowkey_core.networks.frozen import folded
from lowkey_core.networks.small import NETWORKS
from lowkey_core.types import ARCFACE, Embeddings, Images
from lowkey_core.weights import Card
from lowkey_core.weights.checkpoints import fit, state_of

MEMBERS = ("ir-arcface", "resnet-cosface", "mobile", "vit")


_FAMILIES = {
    "ir": "residual network",
    "resnet": "residual network",
    "mobile": "MobileFaceNet",
    "vit": "transformer",
}
"""`mobile` is MobileNetV2's bottlenecks under MobileFaceNet's global depthwise convolution."""


def _card(member: str, sha256: str, size: int, teacher: str, run: str, rank_one: float) -> Card:
    """teacher, run: name and training run of the teacher. rank_one: rank-1 rate of 60 people of LFW
    among 1,000 others, all kept out of training (`pytest -m slow`)."""
    return Card(
        name=f"zoo:{member}",
        file=f"zoo-{member}.safetensors",
        sha256=sha256,
        source="made by this project: `zoo train`, docs/zoo.md",
        licence="Apache-2.0",
        released=datetime.date(2026, 11, 21),
        trained_on=(
            f"LFW and SynthFaces, distilled from {teacher}; "
            f"rank-1 {rank_one:.2f} on people kept out"
        ),
        data=frozenset({"LFW", "SynthFaces"}),
        preprocessing="112x112 RGB, (x - 0.5) / 0.5",
        lineage=frozenset({f"zoo-{member}", run}),
        family=_FAMILIES[member.partition("-")[0]],
        size=size,
        embedded=True,
    )


_MS1M = ("mobilefacenet:ms1m", "mobilefacenet-ms1m-foamliu")
_DLIB = ("dlib", "dlib-resnet-v1")
CARDS = {
    "ir-arcface": _card(
        "ir-arcface",
        "825a0b8757a4e62422744ce4f238c71d739bbf6587b6939a6c3f7b31f46c1771",
        2_188_560,
        *_MS1M,
        0.94,
    ),
    "resnet-cosface": _card(
        "resnet-cosface",
        "da8a91020ce02bd613cf966effc71ef347ef4ceaaff8dd7f36a03ec942bc817f",
        2_010_048,
        *_MS1M,
        0.93,
    ),
    "mobile": _card(
        "mobile",
        "7532dbbebf501595383c4595d9cf7ebd2ed4e134843ceab01ffe5c9b380c9e98",
        1_264_216,
        *_DLIB,
        0.89,
    ),
    "vit": _card(
        "vit",
        "9500a087f1bb1a9d80b4a984ebc06202f24671fb44bd3fece71a7081652f0e83",
        3_221_320,
        *_DLIB,
        0.92,
    ),
}


class Member(nn.Module):
    """A small network with 0.6 to 1.6 million parameters; embeddings of 128 dimensions."""

    template = ARCFACE

    def __init__(self, card: Card, network: nn.Module) -> None:
        super().__init__()
        self.card, self.network = card, network

    def forward(self, images: Images) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1], aligned RGB. Returns (n, 128), unit norm."""
        x = ((images - 0.5) / 0.5).contiguous(memory_format=torch.channels_last)
        return F.normalize(self.network(x))


def network(member: str) -> nn.Module:
    """The member's architecture with random weights."""
    return NETWORKS[member.partition("-")[0]]()


def build(member: str) -> Member:
    """Raises: MissingWeightsError, TamperedWeightsError."""
    card = CARDS[member]
    bare = folded(fit(network(member), state_of(card), card))
    return Member(card, bare.to(memory_format=torch.channels_last))
