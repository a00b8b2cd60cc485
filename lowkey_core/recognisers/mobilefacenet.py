"""MobileFaceNet (Chen et al., 2018, arXiv 1804.07573) in the variants of two public checkpoints.

`ms1m`: github.com/foamliu/MobileFaceNet, ReLU, a pointwise convolution in the stem.
`casia`: github.com/Xiaoccer/MobileFaceNet_Pytorch, PReLU, the middle 96 columns as input.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lowkey_core.types import ARCFACE, Embeddings, Images
from lowkey_core.weights import Card
from lowkey_core.weights.checkpoints import fit, state_of

MEMBERS = ("ms1m", "casia")

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
        url="https://github.com/Xiaoccer/MobileFaceNet_Pytorch/raw"
        "/9c6e162647edf1bdc1d194f305d2030c79bf4613/model/best/068.ckpt",
        size=4_130_855,
    ),
}

_BOTTLENECKS = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
"""Expansion, channels, repeats, stride of the first (Table 1 of the paper)."""


def build(member: str) -> MobileFaceNet:
    """Raises: MissingWeightsError, TamperedWeightsError."""
    card = CARDS[member]
    casia = member == "casia"
    state = state_of(card, "net_state_dict" if casia else None)
    return fit(MobileFaceNet(card, prelu=casia), _renamed(state, _RENAMES[member]), card)


class MobileFaceNet(nn.Module):
    """About a million parameters; embeddings of 128 dimensions."""

    template = ARCFACE

    mean: Tensor
    std: Tensor

    def __init__(self, card: Card, *, prelu: bool) -> None:
        """prelu: the CASIA layout (PReLU, 96 columns, no pointwise stem, no bias at the end)."""
        super().__init__()
        self.card = card
        self.cropped = prelu
        self.stem = _conv_norm_act(3, 64, 3, 2, prelu=prelu)
        self.depthwise = _conv_norm_act(64, 64, 3, 1, groups=64, prelu=prelu)
        self.pointwise = nn.Sequential() if prelu else _conv_norm_act(64, 64, 1, 1, prelu=False)
        blocks, before = [], 64
        for expansion, channels, repeats, stride in _BOTTLENECKS:
            for i in range(repeats):
                step = stride if i == 0 else 1
                blocks.append(_Bottleneck(before, channels, step, expansion, prelu=prelu))
                before = channels
        self.blocks = nn.Sequential(*blocks)
        self.widen = _conv_norm_act(128, 512, 1, 1, prelu=prelu)
        columns = 6 if prelu else 7
        self.pool = nn.Sequential(
            nn.Conv2d(512, 512, (7, columns), groups=512, bias=False), nn.BatchNorm2d(512)
        )
        self.project = nn.Sequential(nn.Conv2d(512, 128, 1, bias=not prelu), nn.BatchNorm2d(128))
        mean, std = (
            ((127.5 / 255,) * 3, (128 / 255,) * 3) if prelu else (_IMAGENET_MEAN, _IMAGENET_STD)
        )
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Images) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1], aligned RGB. Returns (n, 128), unit norm."""
        if self.cropped:
            images = images[..., 8:104]
        x = self.pointwise(self.depthwise(self.stem((images - self.mean) / self.std)))
        x = self.project(self.pool(self.widen(self.blocks(x))))
        return F.normalize(x.flatten(1))


_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class _Bottleneck(nn.Module):
    """Expand, depthwise, project; with a shortcut if input and output have the same shape."""

    def __init__(
        self, before: int, after: int, stride: int, expansion: int, *, prelu: bool
    ) -> None:
        super().__init__()
        inner = before * expansion
        self.shortcut = stride == 1 and before == after
        self.expand = _conv_norm_act(before, inner, 1, 1, prelu=prelu)
        self.depthwise = _conv_norm_act(inner, inner, 3, stride, groups=inner, prelu=prelu)
        self.project = nn.Sequential(nn.Conv2d(inner, after, 1, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.shortcut else y


def _conv_norm_act(
    before: int, after: int, kernel: int, stride: int, *, groups: int = 1, prelu: bool
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after),
        nn.PReLU(after) if prelu else nn.ReLU(),
    )


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
