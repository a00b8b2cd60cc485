"""EfficientNet-Lite0 (Tan and Le 2019, arXiv 1905.11946; the Lite variant of March 2020): inverted
residuals with ReLU6 in place of swish, and without squeeze-and-excitation.

The weights come from TensorFlow: convolutions of stride 2 are padded as there, one pixel more at
the right and at the bottom where the padding is odd, and pixels are (255 x - 127) / 128. Layers are
named as in the file of the weights.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lowkey_core.types import Images
from lowkey_core.weights.checkpoints import fill, state_of
from lowkey_core.weights.packaged import EFFICIENTNET

BLOCKS = (
    (3, 1, 1, 1, 16),
    (3, 2, 2, 6, 24),
    (5, 2, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (5, 3, 1, 6, 112),
    (5, 4, 2, 6, 192),
    (3, 1, 1, 6, 320),
)
"""For each stage: kernel, number of blocks, stride of the first, expansion, channels."""
STEM, HEAD, CLASSES = 32, 1280, 1000


class Lite0(nn.Module):
    """From pictures to ImageNet's classes."""

    cards = (EFFICIENTNET,)

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _Same(3, STEM, 3, 2)
        self._bn0 = _norm(STEM)
        blocks, before = list[nn.Module](), STEM
        for kernel, count, stride, expand, after in BLOCKS:
            for i in range(count):
                blocks.append(_Block(before, after, kernel, stride if i == 0 else 1, expand))
                before = after
        self._blocks = nn.Sequential(*blocks)
        self._conv_head = _Same(before, HEAD, 1)
        self._bn1 = _norm(HEAD)
        self._fc = nn.Linear(HEAD, CLASSES)

    def features(self, images: Images) -> Tensor:
        """images: (n, 3, h, w) in [0, 1], of any size. Returns (n, 1280), what the last layer
        sees."""
        x = (255 * images - 127) / 128
        x = x.contiguous(memory_format=torch.channels_last)
        x = F.relu6(self._bn0(self._conv_stem(x)))
        x = F.relu6(self._bn1(self._conv_head(self._blocks(x))))
        return x.mean((2, 3))

    def forward(self, images: Images) -> Tensor:
        """Returns (n, 1000) logits. images: as of `features`."""
        logits: Tensor = self._fc(self.features(images))
        return logits


def load() -> Lite0:
    """With ImageNet's weights, ready to be trained on. Raises: MissingWeightsError,
    TamperedWeightsError."""
    return fill(Lite0, state_of(EFFICIENTNET), EFFICIENTNET)


class _Same(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow's "same"."""

    def __init__(
        self, before: int, after: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(before, after, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        pads = list[int]()
        for side in (x.shape[3], x.shape[2]):
            total = max((-(side // -stride) - 1) * stride + kernel - side, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads) if any(pads) else x)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class _Block(nn.Module):
    """Widened, filtered channel by channel, narrowed; added to its input where shapes allow."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = before * expand
        self.widens, self.adds = expand != 1, stride == 1 and before == after
        if self.widens:
            self._expand_conv = _Same(before, wide, 1)
            self._bn0 = _norm(wide)
        self._depthwise_conv = _Same(wide, wide, kernel, stride, groups=wide)
        self._bn1 = _norm(wide)
        self._project_conv = _Same(wide, after, 1)
        self._bn2 = _norm(after)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = F.relu6(self._bn0(self._expand_conv(x))) if self.widens else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y
