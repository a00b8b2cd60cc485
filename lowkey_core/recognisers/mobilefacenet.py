"""MobileFaceNet (Chen et al., 2018, arXiv 1804.07573) in the variants of three public files.

`ms1m`: github.com/foamliu/MobileFaceNet, ReLU, a pointwise convolution in the stem.
`casia`: github.com/Xiaoccer/MobileFaceNet_Pytorch, PReLU, the middle 96 columns as input.
`faceplugin`: an ONNX file of 2021 or later, PReLU, batch normalisation folded into convolutions.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lowkey_core.networks import onnx_file
from lowkey_core.networks.frozen import PReLU, folded
from lowkey_core.types import ARCFACE, Embeddings, Images
from lowkey_core.weights import Card
from lowkey_core.weights.checkpoints import fit, state_of
from lowkey_core.weights.packaged import FACEPLUGIN

MEMBERS = ("ms1m", "casia", "faceplugin")

CARDS = {
    "ms1m": Card(
        name="mobilefacenet:ms1m",
        file="mobilefacenet_ms1m.pt",
        sha256="90a00ba1d8b0b688af3deb731ed53dca582e6106805d1bc3cfdef55f570493f4",
        source="https://github.com/foamliu/MobileFaceNet (weights/mobilefacenet.pt)",
        licence="Apache-2.0",
        released=datetime.date(2019, 7, 1),
        trained_on="MS-Celeb-1M",
        data=frozenset({"MS-Celeb-1M"}),
        preprocessing="112x112 RGB, (x - mean) / deviation of ImageNet",
        lineage=frozenset({"mobilefacenet-ms1m-foamliu"}),
        family="MobileFaceNet",
        url="https://github.com/foamliu/MobileFaceNet/raw/408e13c0bcd1c10b666f00b07efcc2eab3c5d195"
        "/weights/mobilefacenet.pt",
        size=4_135_271,
    ),
    "casia": Card(
        name="mobilefacenet:casia",
        file="mobilefacenet_casia.ckpt",
        sha256="e839247cdbdfc023fb7cadeaf53a4549d50c8fc24ad154c02e35920ea8910d99",
        source="https://github.com/Xiaoccer/MobileFaceNet_Pytorch (model/best/068.ckpt)",
        licence="none stated: evaluation only",
        released=datetime.date(2018, 9, 1),
        trained_on="CASIA-WebFace",
        data=frozenset({"CASIA-WebFace"}),
        preprocessing="columns 8 to 103, RGB, (255 x - 127.5) / 128",
        lineage=frozenset({"mobilefacenet-casia-xiaoccer"}),
        family="MobileFaceNet",
        url="https://github.com/Xiaoccer/MobileFaceNet_Pytorch/raw"
        "/9c6e162647edf1bdc1d194f305d2030c79bf4613/model/best/068.ckpt",
        size=4_130_855,
    ),
    "faceplugin": FACEPLUGIN,
}

_BOTTLENECKS = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
"""Expansion, channels, repeats, stride of the first (Table 1 of the paper)."""


@dataclass(frozen=True)
class Layout:
    """What the variants do not have in common. Input: (x - mean) / std, x in [0, 1]."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    prelu: bool = True
    """PReLU instead of ReLU, and no pointwise convolution in the stem."""
    cropped: bool = False
    """Sees the middle 96 columns."""
    bgr: bool = False
    folded: bool = False
    """Convolutions with bias instead of batch normalisation."""
    last_bias: bool = False
    """A bias before the last batch normalisation."""
    dimensions: int = 128


LAYOUTS = {
    "ms1m": Layout((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), prelu=False, last_bias=True),
    "casia": Layout((127.5 / 255,) * 3, (128 / 255,) * 3, cropped=True),
    "faceplugin": Layout((127 / 255,) * 3, (128 / 255,) * 3, bgr=True, folded=True, dimensions=512),
}


def build(member: str) -> MobileFaceNet:
    """Raises: MissingWeightsError, TamperedWeightsError, LocalNetworkError (`onnx` is missing)."""
    return folded(unfolded(member))


def unfolded(member: str) -> MobileFaceNet:
    """The network as its file has it, before `folded`. Raises: as `build`."""
    card, layout = CARDS[member], LAYOUTS[member]
    if card.file.endswith(".onnx"):
        network = MobileFaceNet(card, layout)
        return fit(network, onnx_file.state_of(card, network), card)
    state = state_of(card, "net_state_dict" if member == "casia" else None)
    return fit(MobileFaceNet(card, layout), _renamed(state, _RENAMES[member]), card)


class MobileFaceNet(nn.Module):
    """About a million parameters; embeddings of 128 or 512 dimensions."""

    template = ARCFACE

    mean: Tensor
    std: Tensor

    def __init__(self, card: Card, layout: Layout) -> None:
        super().__init__()
        self.card, self.layout = card, layout
        self.stem = _conv(layout, 3, 64, 3, 2)
        self.depthwise = _conv(layout, 64, 64, 3, groups=64)
        self.pointwise = nn.Sequential() if layout.prelu else _conv(layout, 64, 64, 1)
        blocks, before = [], 64
        for expansion, channels, repeats, stride in _BOTTLENECKS:
            for i in range(repeats):
                step = stride if i == 0 else 1
                blocks.append(_Bottleneck(layout, before, channels, step, expansion))
                before = channels
        self.blocks = nn.Sequential(*blocks)
        self.widen = _conv(layout, 128, 512, 1)
        window = (7, 6 if layout.cropped else 7)
        self.pool = nn.Sequential(*_normed(layout, 512, 512, window, groups=512))
        last = _normed(layout, 512, layout.dimensions, 1, bias=layout.last_bias)
        self.project = nn.Sequential(*last)
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (layout.mean, layout.std))
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, images: Images) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1], aligned RGB. Returns (n, d), unit norm."""
        return F.normalize(self.raw(images))

    def raw(self, images: Images) -> Tensor:
        """The embeddings of `forward` before they are normalised."""
        if self.layout.cropped:
            images = images[..., 8:104]
        if self.layout.bgr:
            images = images.flip(1)
        x = self.pointwise(self.depthwise(self.stem((images - self.mean) / self.std)))
        out: Tensor = self.project(self.pool(self.widen(self.blocks(x))))
        return out.flatten(1)


class _Bottleneck(nn.Module):
    """Expand, depthwise, project; with a shortcut if input and output have the same shape."""

    def __init__(
        self, layout: Layout, before: int, after: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        inner = before * expansion
        self.shortcut = stride == 1 and before == after
        self.expand = _conv(layout, before, inner, 1)
        self.depthwise = _conv(layout, inner, inner, 3, stride, groups=inner)
        self.project = nn.Sequential(*_normed(layout, inner, after, 1))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.shortcut else y


def _conv(
    layout: Layout, before: int, after: int, kernel: int, stride: int = 1, *, groups: int = 1
) -> nn.Sequential:
    """A convolution that keeps the size at stride 1, its normalisation and its activation."""
    normed = _normed(layout, before, after, kernel, stride, kernel // 2, groups=groups)
    return nn.Sequential(*normed, PReLU(after) if layout.prelu else nn.ReLU(inplace=True))


def _normed(
    layout: Layout,
    before: int,
    after: int,
    kernel: int | tuple[int, int],
    stride: int = 1,
    padding: int = 0,
    *,
    groups: int = 1,
    bias: bool = False,
) -> list[nn.Module]:
    """A convolution with its normalisation, which may be folded into it."""
    conv = nn.Conv2d(
        before, after, kernel, stride, padding, groups=groups, bias=bias or layout.folded
    )
    return [conv] if layout.folded else [conv, nn.BatchNorm2d(after)]


_RENAMES = {
    "ms1m": (
        (r"conv1\.", "stem."),
        (r"dw_conv\.depthwise\.", "depthwise.0."),
        (r"dw_conv\.bn1\.", "depthwise.1."),
        (r"dw_conv\.pointwise\.", "pointwise.0."),
        (r"dw_conv\.bn2\.", "pointwise.1."),
        (r"features\.(\d+)\.conv\.0\.", r"blocks.\1.expand."),
        (r"features\.(\d+)\.conv\.1\.", r"blocks.\1.depthwise."),
        (r"features\.(\d+)\.conv\.2\.", r"blocks.\1.project.0."),
        (r"features\.(\d+)\.conv\.3\.", r"blocks.\1.project.1."),
        (r"conv2\.", "widen."),
        (r"gdconv\.depthwise\.", "pool.0."),
        (r"gdconv\.bn\.", "pool.1."),
        (r"conv3\.", "project.0."),
        (r"bn\.", "project.1."),
    ),
    "casia": (
        (r"conv1\.conv\.", "stem.0."),
        (r"conv1\.bn\.", "stem.1."),
        (r"conv1\.prelu\.", "stem.2."),
        (r"dw_conv1\.conv\.", "depthwise.0."),
        (r"dw_conv1\.bn\.", "depthwise.1."),
        (r"dw_conv1\.prelu\.", "depthwise.2."),
        (r"blocks\.(\d+)\.conv\.([0-2])\.", r"blocks.\1.expand.\2."),
        (r"blocks\.(\d+)\.conv\.3\.", r"blocks.\1.depthwise.0."),
        (r"blocks\.(\d+)\.conv\.4\.", r"blocks.\1.depthwise.1."),
        (r"blocks\.(\d+)\.conv\.5\.", r"blocks.\1.depthwise.2."),
        (r"blocks\.(\d+)\.conv\.6\.", r"blocks.\1.project.0."),
        (r"blocks\.(\d+)\.conv\.7\.", r"blocks.\1.project.1."),
        (r"conv2\.conv\.", "widen.0."),
        (r"conv2\.bn\.", "widen.1."),
        (r"conv2\.prelu\.", "widen.2."),
        (r"linear7\.conv\.", "pool.0."),
        (r"linear7\.bn\.", "pool.1."),
        (r"linear1\.conv\.", "project.0."),
        (r"linear1\.bn\.", "project.1."),
    ),
}
"""Patterns that map a checkpoint's key names to ours."""


def _renamed(state: Mapping[str, Tensor], rules: tuple[tuple[str, str], ...]) -> dict[str, Tensor]:
    renamed = {}
    for key, tensor in state.items():
        for pattern, replacement in rules:
            if re.match(pattern, key):
                key = re.sub("^" + pattern, replacement, key)
                break
        renamed[key] = tensor
    return renamed
