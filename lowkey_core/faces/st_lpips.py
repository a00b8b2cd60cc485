"""ST-LPIPS, the shift-tolerant learned metric (Ghildyal and Liu, ECCV 2022), AlexNet variant.

LPIPS with a trunk whose first convolution has stride 1, and which blurs before it samples: a shift
by one pixel hardly counts. It has a scale of its own: its figures are not those of LPIPS.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lowkey_core.types import Images
from lowkey_core.weights.checkpoints import fill, state_of
from lowkey_core.weights.packaged import ST_LPIPS

CHANNELS = (64, 192, 384, 256, 256)
"""Of the five layers that are compared."""


class StLpips(nn.Module):
    """The distance. Layers are named and numbered as in the file of its weights."""

    cards = (ST_LPIPS,)

    def __init__(self) -> None:
        super().__init__()
        self.scaling_layer = _Scaling()
        self.net = nn.ModuleDict(_trunk())
        for i, channels in enumerate(CHANNELS):
            self.add_module(f"lin{i}", _Head(channels))
        self.requires_grad_(False).eval()

    def forward(self, a: Images, b: Images) -> Tensor:
        """a, b: (n, 3, h, w) in [0, 1], sides at least 21. Returns (n,), 0 for equal pictures."""
        return self.from_reference(a)(b)

    def from_reference(self, reference: Images) -> Callable[[Images], Tensor]:
        """The distance of others from a reference, whose own features are computed once."""
        with torch.no_grad():
            home = self._features(reference)

        def distance(images: Images) -> Tensor:
            layers = zip(home, self._features(images), strict=True)
            each = [self.get_submodule(f"lin{i}")(a, b) for i, (a, b) in enumerate(layers)]
            return torch.stack(each).sum(0)

        return distance

    def _features(self, images: Images) -> list[Tensor]:
        """Of each layer, (n, channels, h, w), of unit length at every place."""
        x, found = self.scaling_layer(images), []
        for layers in self.net.values():
            x = layers(x)
            found.append(F.normalize(x, dim=1, eps=1e-10))
        return found


def load() -> StLpips:
    """Raises: MissingWeightsError, TamperedWeightsError."""
    metric = fill(StLpips, state_of(ST_LPIPS), ST_LPIPS)
    return metric.to(memory_format=torch.channels_last)  # or most time goes to the first layer


def _trunk() -> dict[str, nn.Module]:
    """AlexNet's convolutions; each of these ends with a layer that is compared."""
    a, b, c, d, e = CHANNELS
    return {
        "slice1": _slice(0, nn.Conv2d(3, a, 11, padding=2), _Blur(a), nn.ReLU()),
        "slice2": _slice(3, *_smaller(a), nn.Conv2d(a, b, 5, padding=2), nn.ReLU()),
        "slice3": _slice(7, *_smaller(b), nn.Conv2d(b, c, 3, padding=1), nn.ReLU()),
        "slice4": _slice(11, nn.Conv2d(c, d, 3, padding=1), nn.ReLU()),
        "slice5": _slice(13, nn.Conv2d(d, e, 3, padding=1), nn.ReLU()),
    }


def _slice(first: int, *layers: nn.Module) -> nn.Sequential:
    """first: the number of its first layer."""
    numbered = nn.Sequential()
    for i, layer in enumerate(layers, first):
        numbered.add_module(str(i), layer)
    return numbered


def _smaller(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.MaxPool2d(3, stride=1), _Blur(channels)


class _Scaling(nn.Module):
    """From [0, 1] to [-1, 1], and from there to what the trunk was trained on."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("shift", "scale"):
            self.register_buffer(name, torch.zeros(1, 3, 1, 1))

    def forward(self, images: Images) -> Tensor:
        scaled = (images * 2 - 1 - self.shift) / self.scale
        return scaled.contiguous(memory_format=torch.channels_last)


class _Blur(nn.Module):
    """A 3x3 filter of each channel, sampled at every second place; two reflected pixels around."""

    filt: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("filt", torch.zeros(channels, 1, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, (2, 2, 2, 2), mode="reflect")
        return F.conv2d(padded, self.filt, stride=2, groups=len(self.filt))


class _Head(nn.Module):
    """A weight for each channel's squared difference, mean over places."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        conv = nn.Conv2d(channels, 1, 1, bias=False)
        self.model = nn.ModuleDict({"1": conv})  # 0 was a dropout

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        weighted: Tensor = self.model["1"]((a - b).pow(2))
        return weighted.mean((1, 2, 3))
