"""How visible a change is: SSIM and DSSIM, PSNR, L2, L-infinity, and learned metrics where their
weights are there: LPIPS here, ST-LPIPS in its own file."""

from __future__ import annotations

import datetime
import functools
import importlib
from collections.abc import Callable
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lowkey_core import weights
from lowkey_core.errors import MissingWeightsError
from lowkey_core.faces.st_lpips import StLpips
from lowkey_core.types import Images
from lowkey_core.weights.checkpoints import state_of

_WINDOW, _SIGMA, _K1, _K2 = 11, 1.5, 0.01, 0.03


def gaussian(size: int, sigma: float) -> Tensor:
    """(size,) float32 Gaussian weights that sum to 1."""
    x = torch.arange(size) - (size - 1) / 2
    g = torch.exp(-(x**2) / (2 * sigma**2))
    return g / g.sum()


def smooth(images: Images, size: int, sigma: float, *, pad: bool = True) -> Images:
    """Gaussian filter of each channel. Reflect padding keeps the shape; without, it shrinks.

    images: (n, c, h, w).
    """
    if max(images.shape[2:]) <= _DENSE:
        rows, columns = (
            _filter(side, size, sigma, pad).to(images.device) for side in images.shape[2:]
        )
        return rows @ (images @ columns.T)
    channels, g = images.shape[1], gaussian(size, sigma).to(images.device)
    if pad:
        images = F.pad(images, (size // 2,) * 4, mode="reflect")
    across = F.conv2d(images, g.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
    return F.conv2d(across, g.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)


_DENSE = 256
"""Side up to which a filter is a matrix: on a face it is three times as fast as a convolution."""


def _filter(side: int, size: int, sigma: float, pad: bool) -> Tensor:
    """(side, side), or fewer rows without padding: each row the filter around one pixel."""
    half = size // 2
    centres = torch.arange(0 if pad else half, side if pad else side - half)
    taps = (centres[:, None] + torch.arange(-half, half + 1)).abs()
    taps = torch.where(taps >= side, 2 * (side - 1) - taps, taps)
    matrix = torch.zeros(len(centres), side)
    return matrix.scatter_add_(1, taps, gaussian(size, sigma).expand(len(centres), -1))


def ssim(a: Images, b: Images, *, rim: bool = False) -> Tensor:
    """Structural similarity (Wang et al. 2004), mean over RGB channels and the valid region, or
    with `rim` over all pixels, the pictures continued by their mirror images.

    Gaussian 11x11 window of sigma 1.5, K = (0.01, 0.03): scikit-image's with `gaussian_weights`.
    a, b: (n, 3, h, w) in [0, 1], sides at least 11. Returns (n,) in [-1, 1], 1 for equal pictures.
    """
    return ssim_to(a, rim=rim)(b)


def ssim_to(reference: Images, *, rim: bool = False) -> Callable[[Images], Tensor]:
    """`ssim` of a reference and others, the reference's own moments computed once."""
    c1, c2, a = _K1**2, _K2**2, reference

    def moments(images: list[Images]) -> tuple[Tensor, ...]:
        means = smooth(torch.cat(images, 1), _WINDOW, _SIGMA, pad=rim)
        return means.chunk(len(images), 1)

    mean_a, aa = moments([a, a * a])

    def similarity(b: Images) -> Tensor:
        mean_b, bb, ab = moments([b, b * b, a * b])
        product, squares = mean_a * mean_b, mean_a**2 + mean_b**2
        alike = (2 * product + c1) * (2 * (ab - product) + c2)
        scale = (squares + c1) * (aa + bb - squares + c2)
        mean: Tensor = (alike / scale).mean((1, 2, 3))
        return mean

    return similarity


def dssim(a: Images, b: Images) -> Tensor:
    """Structural dissimilarity (1 - SSIM) / 2, as Fawkes defines it. Returns (n,) in [0, 1]."""
    return (1 - ssim(a, b)) / 2


def l2(a: Images, b: Images) -> Tensor:
    """Euclidean distance over all pixels and channels, on the [0, 1] scale. Returns (n,)."""
    norm: Tensor = torch.linalg.vector_norm(a - b, dim=(1, 2, 3))
    return norm


def linf(a: Images, b: Images) -> Tensor:
    """Largest change of any channel of any pixel, on the [0, 1] scale. Returns (n,)."""
    return (a - b).abs().flatten(1).amax(1)


def psnr(a: Images, b: Images) -> Tensor:
    """Peak signal-to-noise ratio in dB; infinite for equal pictures. Returns (n,)."""
    return -10 * torch.log10((a - b).pow(2).flatten(1).mean(1))


TRUNK = weights.Card(
    name="lpips:alexnet",
    file="alexnet-owt-7be5be79.pth",
    sha256="7be5be79",  # all that torchvision publishes: the first digits, in the file's name
    source="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    licence="BSD-3-Clause",
    released=datetime.date(2017, 4, 1),
    trained_on="ImageNet",
    url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
)
LINEAR = weights.Card(
    name="lpips:linear",
    file="lpips/weights/v0.1/alex.pth",
    sha256="df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
    source="https://pypi.org/project/lpips/0.1.4/",
    licence="BSD-2-Clause",
    released=datetime.date(2018, 1, 11),
    trained_on="BAPPS",
    distribution="lpips",
    size=6_009,
)


class Lpips(nn.Module):
    """LPIPS v0.1 with the AlexNet trunk (Zhang et al. 2018), through the lpips package."""

    cards = (TRUNK, LINEAR)

    def __init__(self) -> None:
        """Raises: MissingWeightsError where the trunk is absent, TamperedWeightsError."""
        super().__init__()
        trunk = state_of(TRUNK)
        self.metric = importlib.import_module("lpips").LPIPS(
            net="alex", pnet_rand=True, pretrained=False, eval_mode=True, verbose=False
        )
        self.metric.load_state_dict(state_of(LINEAR), strict=False)
        layers = {k: v for k, v in trunk.items() if k.startswith("features.")}
        slices = self.metric.net.state_dict()  # the same layers in the same order, other names
        self.metric.net.load_state_dict(dict(zip(slices, layers.values(), strict=True)))
        self.requires_grad_(False)

    def forward(self, a: Images, b: Images) -> Tensor:
        """a, b: (n, 3, h, w) in [0, 1] (the package wants [-1, 1]). Returns (n,), 0 for equal."""
        distance: Tensor = self.metric(a * 2 - 1, b * 2 - 1)
        return distance.flatten()

    def from_reference(self, reference: Images) -> Callable[[Images], Tensor]:
        """The distance of others from a reference."""
        return functools.partial(self, reference)


Metric = TypeVar("Metric", Lpips, StLpips)


def if_present(load: Callable[[], Metric]) -> Metric | None:
    """A learned metric, or None where its weights are absent: the caller does without and says so.

    Raises: TamperedWeightsError.
    """
    try:
        return load()
    except MissingWeightsError:
        return None
