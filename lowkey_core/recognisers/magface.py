"""MagFace (Meng et al. 2021, arXiv 2103.06627): an IResNet whose embedding's length says how good
the picture is. `r100` was trained by the authors' own code."""

from __future__ import annotations

import datetime
import re

import torch.nn.functional as F
from torch import nn

from lowkey_core.networks.iresnet import INSIGHTFACE, IResNet
from lowkey_core.types import ARCFACE, Embeddings, Images
from lowkey_core.weights import Card
from lowkey_core.weights.checkpoints import fill, state_of

MEMBERS = ("r100",)

CARD = Card(
    name="magface:r100",
    file="magface_epoch_00025.pth",
    sha256="",  # not published
    source="https://github.com/IrvingMeng/MagFace (Model Zoo, iResNet100 on MS1MV2, Google Drive)",
    licence="MIT",
    released=datetime.date(2021, 3, 12),
    trained_on="MS1MV2, pictures of MS-Celeb-1M",
    data=frozenset({"MS1MV2", "MS-Celeb-1M"}),
    preprocessing="112x112 BGR, x",
    lineage=frozenset({"magface-iresnet100"}),
    family="residual network",
)
CARDS = {"r100": CARD}


def build(member: str) -> MagFace:
    """Raises: MissingWeightsError, TamperedWeightsError."""
    card = CARDS[member]
    state = state_of(card, "state_dict")
    # The classifier of the training identities is left out. Which of the two names comes first
    # depends on how the training was spread over devices.
    own = re.compile(r"(features\.module|module\.features)\.")
    named = {own.sub("", k, count=1): v for k, v in state.items() if own.match(k)}
    return MagFace(fill(lambda: IResNet(INSIGHTFACE), named, card), card)


class MagFace(nn.Module):
    """65 million parameters; embeddings of 512 dimensions."""

    template = ARCFACE

    def __init__(self, network: nn.Module, card: Card) -> None:
        super().__init__()
        self.network, self.card = network, card

    def forward(self, images: Images) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1], aligned RGB. Returns (n, 512), unit norm."""
        return F.normalize(self.network(images.flip(1)))
