"""Four small architectures for 112x112 faces, of 0.6 to 1.6 million parameters each.

All map (n, 3, 112, 112) in [-1, 1] to (n, 128), not normalised.

- ir: improved residual units of ArcFace (Deng et al. 2019, Section 3.2.1).
- resnet: residual units of He et al. 2016.
- mobile: inverted residuals of MobileNetV2 (Sandler et al. 2018) with the global depthwise
  convolution of MobileFaceNet (Chen et al. 2018).
- vit: a vision transformer (Dosovitskiy et al. 2021) with a convolutional stem, which trains in
  fewer steps (Xiao et al. 2021, arXiv 2106.14881).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lowkey_core.networks.frozen import PReLU

WIDTH = 128
"""Dimensions of an embedding."""


def ir() -> nn.Sequential:
    """Pre-activation residual units with PReLU."""
    stem = [_conv(3, 32, 3, 2), nn.BatchNorm2d(32), PReLU(32)]
    units = _stages(_IrUnit, 32, ((40, 1, 2), (80, 2, 2), (160, 2, 2)))
    return nn.Sequential(*stem, *units, *_global_depthwise(160))


def resnet() -> nn.Sequential:
    """Residual units with ReLU, after a 7x7 convolution and max-pooling."""
    stem = [_conv(3, 32, 7, 2), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    units = _stages(_ResidualUnit, 32, ((32, 2, 1), (64, 2, 2), (160, 2, 2)))
    return nn.Sequential(*stem, *units, *_global_depthwise(160))


def mobile() -> nn.Sequential:
    """Inverted bottlenecks with depthwise convolutions and hard swish."""
    stem = [_conv(3, 24, 3, 2), nn.BatchNorm2d(24), nn.Hardswish()]
    units = _stages(_MobileUnit, 24, ((40, 2, 2), (72, 4, 2), (128, 4, 2)))
    widen = [_conv(128, 384, 1), nn.BatchNorm2d(384), nn.Hardswish()]
    return nn.Sequential(*stem, *units, *widen, *_global_depthwise(384))


def vit() -> nn.Sequential:
    """Five transformer layers over 49 patches, after a stem of four convolutions."""
    stem: list[nn.Module] = []
    before = 3
    for after in (32, 64, 128, 160):
        stem += [_conv(before, after, 3, 2), nn.BatchNorm2d(after), nn.GELU()]
        before = after
    return nn.Sequential(*stem, _Attention(160, side=7, layers=5), *_global_depthwise(160))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "ir": ir,
    "resnet": resnet,
    "mobile": mobile,
    "vit": vit,
}


def _conv(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)


def _stages(
    unit: Callable[[int, int, int], nn.Module], before: int, plan: tuple[tuple[int, int, int], ...]
) -> list[nn.Module]:
    """plan: for each stage its channels, number of units, and stride of the first unit."""
    units = []
    for channels, count, stride in plan:
        for i in range(count):
            units.append(unit(before, channels, stride if i == 0 else 1))
            before = channels
    return units


def _global_depthwise(channels: int) -> list[nn.Module]:
    """From (n, channels, 7, 7) to (n, WIDTH), with separate weights for each position."""
    return [
        nn.Conv2d(channels, channels, 7, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.Flatten(),
        nn.Linear(channels, WIDTH, bias=False),
        nn.BatchNorm1d(WIDTH),
    ]


def _shortcut(before: int, after: int, stride: int) -> nn.Module:
    if before == after and stride == 1:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))


class _IrUnit(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.shortcut = _shortcut(before, after, stride)
        self.body = nn.Sequential(
            nn.BatchNorm2d(before),
            _conv(before, after, 3, stride),
            nn.BatchNorm2d(after),
            PReLU(after),
            _conv(after, after, 3),
            nn.BatchNorm2d(after),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x) + self.shortcut(x)
        return y


class _ResidualUnit(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.shortcut = _shortcut(before, after, stride)
        self.body = nn.Sequential(
            _conv(before, after, 3, stride),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            _conv(after, after, 3),
            nn.BatchNorm2d(after),
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


class _MobileUnit(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        inner = 3 * before
        self.body = nn.Sequential(
            _conv(before, inner, 1),
            nn.BatchNorm2d(inner),
            nn.Hardswish(),
            _conv(inner, inner, 3, stride, groups=inner),
            nn.BatchNorm2d(inner),
            nn.Hardswish(),
            _conv(inner, after, 1),
            nn.BatchNorm2d(after),
        )
        self.residual = before == after and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.residual else y


class _Attention(nn.Module):
    """Transformer layers over the positions of a feature map, (n, channels, side, side)."""

    def __init__(self, channels: int, side: int, layers: int) -> None:
        super().__init__()
        self.places = nn.Parameter(0.02 * torch.randn(1, side * side, channels))
        layer = nn.TransformerEncoderLayer(
            channels,
            nhead=channels // 32,
            dim_feedforward=3 * channels,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        norm = nn.LayerNorm(channels)
        self.layers = nn.TransformerEncoder(layer, layers, norm, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.layers(x.flatten(2).transpose(1, 2) + self.places)
        y: Tensor = tokens.transpose(1, 2).unflatten(2, x.shape[2:])
        return y
