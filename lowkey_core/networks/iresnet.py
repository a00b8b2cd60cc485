"""ArcFace's improved residual network (Deng et al. 2019, Section 3.2.1), as two projects have it.

Both map (n, 3, 112, 112) to (n, 512), not normalised, and have 100 layers in 3, 13, 30 and 3 units.
They differ in details that decide which files fit: see `Layout`.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from lowkey_core.networks.frozen import PReLU

UNITS_100 = (3, 13, 30, 3)
"""Residual units per stage."""
_WIDTHS = (64, 128, 256, 512)


@dataclass(frozen=True)
class Layout:
    """What the two do not have in common."""

    eps: float
    """Of every batch normalisation."""
    projected: bool
    """Whether the first unit's shortcut, 64 channels to 64, is a convolution: else it takes every
    other pixel."""
    scaled: bool
    """Whether the last normalisation has a scale and a shift."""


INSIGHTFACE = Layout(eps=2e-5, projected=True, scaled=True)
"""MagFace's `models/iresnet.py`."""
TFACE = Layout(eps=1e-5, projected=False, scaled=False)
"""AdaFace's `net.py`."""


class IResNet(nn.Module):
    """Layers are named as in MagFace's files."""

    def __init__(self, layout: Layout, units: tuple[int, ...] = UNITS_100) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64, eps=layout.eps)
        self.prelu = PReLU(64)
        stages = []
        before = 64
        for count, width in zip(units, _WIDTHS, strict=True):
            first = _Unit(layout, before, width, halves=True)
            rest = (_Unit(layout, width, width, halves=False) for _ in range(count - 1))
            stages.append(nn.Sequential(first, *rest))
            before = width
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.bn2 = nn.BatchNorm2d(512, eps=layout.eps)
        self.fc = nn.Linear(512 * 7 * 7, 512)
        self.features = nn.BatchNorm1d(512, eps=layout.eps, affine=layout.scaled)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, 3, 112, 112). Returns (n, 512)."""
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.features(self.fc(self.bn2(x).flatten(1)))  # type: ignore[no-any-return]


class _Unit(nn.Module):
    """Norm, 3x3, norm, PReLU, 3x3 with the stride, norm; the shortcut may be projected."""

    def __init__(self, layout: Layout, before: int, after: int, *, halves: bool) -> None:
        super().__init__()
        stride = 2 if halves else 1
        self.bn1 = nn.BatchNorm2d(before, eps=layout.eps)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after, eps=layout.eps)
        self.prelu = PReLU(after)
        self.conv2 = nn.Conv2d(after, after, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(after, eps=layout.eps)
        self.downsample: nn.Module
        if before != after or (halves and layout.projected):
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False),
                nn.BatchNorm2d(after, eps=layout.eps),
            )
        else:
            self.downsample = nn.MaxPool2d(1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x)))))
        return self.bn3(y) + self.downsample(x)  # type: ignore[no-any-return]
