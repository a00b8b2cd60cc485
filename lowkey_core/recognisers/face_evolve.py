"""The four surrogates of LowKey: face.evoLVe's IR-152 and ResNet-152, trained on MS-Celeb-1M.

Layers are named as in the released files, `Backbone_*.pth` of cmu-spuds/lowkey_gradio.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator

import torch.nn.functional as F
from torch import Tensor, nn

from lowkey_core.networks.frozen import PReLU
from lowkey_core.types import ARCFACE, Embeddings, Images
from lowkey_core.weights import Card
from lowkey_core.weights.checkpoints import fill, state_of


def _card(architecture: str, head: str, epoch: int) -> Card:
    name = f"{architecture.replace('_', '').lower()}-{head.lower()}"
    file = f"Backbone_{architecture}_{head}_Epoch_{epoch}.pth"
    return Card(
        name=f"face-evolve:{name}",
        file=file,
        sha256="",  # not published
        source="https://github.com/cmu-spuds/lowkey_gradio/releases/tag/weights",
        licence="none stated: evaluation only",
        released=datetime.date(2021, 1, 20),
        trained_on="MS-Celeb-1M",
        data=frozenset({"MS-Celeb-1M"}),
        preprocessing="112x112 RGB, (x - 0.5) / 0.5",
        lineage=frozenset({f"face-evolve-{name}-lowkey"}),
        family="residual network",
        url=f"https://github.com/cmu-spuds/lowkey_gradio/releases/download/weights/{file}",
    )


CARDS = {
    "ir152-arcface": _card("IR_152", "Arcface", 112),
    "ir152-cosface": _card("IR_152", "Cosface", 70),
    "resnet152-arcface": _card("ResNet_152", "Arcface", 65),
    "resnet152-cosface": _card("ResNet_152", "Cosface", 68),
}
MEMBERS = tuple(CARDS)

BLOCKS = {
    "IR_50": (3, 4, 14, 3),
    "IR_152": (3, 8, 36, 3),
    "ResNet_50": (3, 4, 6, 3),
    "ResNet_152": (3, 8, 36, 3),
}
"""Residual blocks per stage; stages have 64, 128, 256 and 512 channels."""
_WIDTHS = (64, 128, 256, 512)


def build(member: str) -> FaceEvolve:
    """Raises: MissingWeightsError, TamperedWeightsError."""
    card = CARDS[member]
    architecture = ARCHITECTURES["IR_152" if member.startswith("ir") else "ResNet_152"]
    return FaceEvolve(fill(architecture, state_of(card), card), card)


class FaceEvolve(nn.Module):
    """71 million parameters (IR-152) or 75 million (ResNet-152); 512 dimensions."""

    template = ARCFACE

    def __init__(self, network: nn.Module, card: Card) -> None:
        super().__init__()
        self.network, self.card = network, card

    def forward(self, images: Images) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1], aligned RGB. Returns (n, 512), unit norm."""
        return F.normalize(self.network((images - 0.5) / 0.5))


class _IR(nn.Module):
    """ArcFace's improved residual network (Deng et al., 2019, Section 3.2): 112x112 to 512."""

    def __init__(self, blocks: tuple[int, ...]) -> None:
        super().__init__()
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), PReLU(64)
        )
        self.body = nn.Sequential(*(_IRBlock(*shape) for shape in _shapes(64, blocks, 1, first=2)))
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(512),
            nn.Identity(),  # dropout during training
            nn.Flatten(),
            nn.Linear(512 * 7 * 7, 512),
            nn.BatchNorm1d(512),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.output_layer(self.body(self.input_layer(x)))  # type: ignore[no-any-return]


class _IRBlock(nn.Module):
    """Norm, 3x3, PReLU, 3x3 with the stride, norm; the shortcut is subsampled or projected."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer = (
            nn.MaxPool2d(1, stride) if before == after else _project(before, after, stride)
        )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(before),
            nn.Conv2d(before, after, 3, 1, 1, bias=False),
            PReLU(after),
            nn.Conv2d(after, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.res_layer(x) + self.shortcut_layer(x)  # type: ignore[no-any-return]


class _ResNet(nn.Module):
    """Bottleneck ResNet (He et al., 2016) up to the last 4x4 map, then a linear layer: 512."""

    def __init__(self, blocks: tuple[int, ...]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        shapes = _shapes(64, blocks, 4, first=1)
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            nn.Sequential(*(_Bottleneck(*next(shapes)) for _ in range(count))) for count in blocks
        )
        self.bn_o1 = nn.BatchNorm2d(2048)
        self.fc = nn.Linear(2048 * 4 * 4, 512)
        self.bn_o2 = nn.BatchNorm1d(512)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.bn_o2(self.fc(self.bn_o1(x).flatten(1)))  # type: ignore[no-any-return]


class _Bottleneck(nn.Module):
    """1x1, 3x3 with the stride, 1x1 with four times the channels."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        inner = after // 4
        self.conv1, self.bn1 = nn.Conv2d(before, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, after, 1, bias=False), nn.BatchNorm2d(after)
        self.downsample = nn.Identity() if before == after else _project(before, after, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        return F.relu(y + self.downsample(x))


def _project(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))


def _shapes(
    before: int, blocks: tuple[int, ...], widen: int, *, first: int
) -> Iterator[tuple[int, int, int]]:
    """Input channels, output channels and stride of each block. The first block of a stage has
    stride 2, that of the first stage `first`. widen: output channels over stage width."""
    for stage, (count, width) in enumerate(zip(blocks, _WIDTHS, strict=True)):
        for i in range(count):
            stride = 1 if i else 2 if stage else first
            yield before, width * widen, stride
            before = width * widen


ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    "IR_50": lambda: _IR(BLOCKS["IR_50"]),
    "IR_152": lambda: _IR(BLOCKS["IR_152"]),
    "ResNet_50": lambda: _ResNet(BLOCKS["ResNet_50"]),
    "ResNet_152": lambda: _ResNet(BLOCKS["ResNet_152"]),
}
"""Each maps (n, 3, 112, 112) in [-1, 1] to (n, 512), not normalised."""
