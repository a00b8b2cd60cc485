"""The zoo: small recognisers that ship with this project, so that it works with no network.

`ir-arcface` and `resnet-cosface` are LowKey's two families and two losses in small: the default
surrogates. `mobile` is of another kind and had another teacher: a recogniser that a cloak made with
the first two has never seen. It is unseen, not newer: `zoo train NAME` made them all (docs/zoo.md),
and they prove nothing about the recognisers of today.
"""

from __future__ import annotations

import datetime

import torch
import torch.nn.functional as F
from torch import nn

from lowkey_core.checkpoints import fit, state_of
from lowkey_core.embedders._small import NETWORKS
from lowkey_core.types import Embeddings, Images
from lowkey_core.weights import Card

MEMBERS = ("ir-arcface", "resnet-cosface", "mobile")


def _card(member: str, sha256: str, size: int, teacher: str, run: str, rank_one: float) -> Card:
    """teacher and run: who taught it, and that network's training run. rank_one: on 60 people of
    LFW among 1,000 others, all kept out of training (`pytest -m slow`)."""
    return Card(
        name=f"zoo:{member}",
        file=f"zoo-{member}.safetensors",
        sha256=sha256,
        source="made by this project: `zoo train`, docs/zoo.md",
        licence="Apache-2.0",
        released=datetime.date(2026, 11, 21),
        trained_on=f"LFW, taught by {teacher}; rank-1 {rank_one:.2f} on people kept out",
        data=frozenset({"LFW"}),
        preprocessing="112x112 RGB, (x - 0.5) / 0.5",
        lineage=frozenset({f"zoo-{member}", run}),
        size=size,
        embedded=True,
    )


_MS1M = ("mobilefacenet:ms1m", "mobilefacenet-ms1m-foamliu")
_DLIB = ("dlib", "dlib-resnet-v1")
CARDS = {
    "ir-arcface": _card(
        "ir-arcface",
        "61e36aacfeb311b7090c9161cbfdb59042dcd6f9e69b470274868ba3812a15cc",
        2_188_560,
        *_MS1M,
        0.94,
    ),
    "resnet-cosface": _card(
        "resnet-cosface",
        "2170eea33120a7cc5e520665f91a16b80854546e363659ea7ca8bd61a17edbb5",
        2_010_048,
        *_MS1M,
        0.94,
    ),
    "mobile": _card(
        "mobile",
        "e0aed47fb866189bcf7ba6b9ec83f9179c07d09a07af837047993ba0eb24fb14",
        1_264_216,
        *_DLIB,
        0.87,
    ),
}


class Member(nn.Module):
    """About a million parameters; 128 numbers."""

    def __init__(self, card: Card, network: nn.Module) -> None:
        super().__init__()
        self.card, self.network = card, network

    def forward(self, images: Images) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1], aligned RGB. Returns (n, 128), unit norm."""
        x = ((images - 0.5) / 0.5).contiguous(memory_format=torch.channels_last)
        return F.normalize(self.network(x))


def network(member: str) -> nn.Module:
    """The member's architecture, untrained."""
    return NETWORKS[member.partition("-")[0]]()


def build(member: str) -> Member:
    """Raises: MissingWeightsError, TamperedWeightsError."""
    card = CARDS[member]
    bare = fit(network(member), state_of(card), card)
    return Member(card, bare.to(memory_format=torch.channels_last))
