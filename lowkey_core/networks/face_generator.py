"""A generator of portraits, its prior over latent codes, and random camera effects.

The latent code has two parts. The identity is sampled once per person from a Gaussian fitted to
centred embeddings of real people (mobilefacenet:ms1m); each picture deviates a little from it, as
embeddings of real pictures do. The nuisance (pose, light, expression, background) is sampled once
per picture. Training: `training/generator.py`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from lowkey_core.types import FACE_SIZE, Images

IDENTITY, NUISANCE = 128, 64
"""Dimensions of the two parts of a latent code."""
MARGIN = 8
"""Pixels of a portrait around the template."""
SIDE = FACE_SIZE + 2 * MARGIN
_COARSE, _FIRST = 8, 80
_STAGES = ((192, 192, 144), (144, 144, 96), (96, 48), (48, 24), (16,))
"""Channels of the convolutions at sides 8, 16, 32, 64 and 128."""


class FaceGenerator(nn.Module):
    """From identity and nuisance to a portrait: 2.9 million parameters."""

    def __init__(self, mean: Tensor | None = None) -> None:
        """mean: (1, 3, 128, 128) in [0, 1], what the untrained network returns; grey if None."""
        super().__init__()
        code, before = IDENTITY + NUISANCE, _FIRST
        self.first = nn.Linear(code, _FIRST * _COARSE**2)
        stages = []
        for channels in _STAGES:
            layers = []
            for after in channels:
                layers.append(_Layer(before, after, code))
                before = after
            stages.append(nn.ModuleList(layers))
        self.stages = nn.ModuleList(stages)
        self.last = nn.Conv2d(before, 3, 3, padding=1)
        nn.init.normal_(self.last.weight, std=0.005)  # untrained, it returns the mean
        start = torch.zeros(1, 3, SIDE, SIDE) if mean is None else mean.clamp(0.02, 0.98).logit()
        self.mean = nn.Parameter(start)

    def forward(self, identity: Tensor, nuisance: Tensor) -> Images:
        """identity: (n, 128), unit variance. nuisance: (n, 64). Returns (n, 3, 128, 128) in
        [0, 1], the face at template positions, MARGIN pixels in."""
        code = torch.cat([identity, nuisance], 1)
        x = self.first(code).view(-1, _FIRST, _COARSE, _COARSE)
        for i, layers in enumerate(self.stages):
            if i:  # bilinear: nearest neighbours leave a visible grid
                x = F.interpolate(x, scale_factor=2.0, mode="bilinear")
            for layer in layers.children():
                x = layer(x, code)
        return torch.sigmoid(self.last(x).float() + self.mean)


class _Layer(nn.Module):
    """Convolution and normalisation; the latent code sets scale and shift of each channel."""

    def __init__(self, before: int, after: int, code: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.norm = nn.GroupNorm(8, after, affine=False)
        self.style = nn.Linear(code, 2 * after)
        with torch.no_grad():
            self.style.weight.mul_(0.5)
            self.style.bias.zero_()

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        scale, shift = (part[:, :, None, None] for part in self.style(code).chunk(2, 1))
        return F.silu(shift + (1 + scale) * self.norm(self.conv(x)))


class IdentityPrior(nn.Module):
    """Gaussian priors: identities of people, deviations of their pictures, and the nuisance."""

    people_mean: Tensor
    people_factor: Tensor
    pictures_factor: Tensor
    nuisance_mean: Tensor
    nuisance_factor: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("people_mean", torch.zeros(IDENTITY))
        self.register_buffer("people_factor", torch.zeros(IDENTITY, IDENTITY))
        self.register_buffer("pictures_factor", torch.zeros(IDENTITY, IDENTITY))
        self.register_buffer("nuisance_mean", torch.zeros(NUISANCE))
        self.register_buffer("nuisance_factor", torch.zeros(NUISANCE, NUISANCE))

    def person(self, rng: Generator) -> Tensor:
        """(1, 128): the identity of a random person."""
        return self.people_mean + torch.randn(1, IDENTITY, generator=rng) @ self.people_factor.T

    def codes(self, person: Tensor, count: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """Latent codes of pictures of a person: identity (count, 128), nuisance (count, 64).

        person: (1, 128).
        """
        deviation = torch.randn(count, IDENTITY, generator=rng) @ self.pictures_factor.T
        nuisance = torch.randn(count, NUISANCE, generator=rng) @ self.nuisance_factor.T
        return person + deviation, self.nuisance_mean + nuisance


def camera_effects(portraits: Images, rng: Generator) -> Images:
    """Random camera effects: rotation, scale and shift, exposure, colour of the light, blur, noise.

    portraits: (n, 3, s, s) in [0, 1]. Returns the same shape and range.
    """
    count = len(portraits)

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=rng)

    angle, scale, x, y = draw(-0.15, 0.15), draw(0.92, 1.02), draw(-0.03, 0.03), draw(-0.03, 0.03)
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    rows = [torch.stack([cosine, -sine, x], 1), torch.stack([sine, cosine, y], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(portraits.shape), align_corners=False)
    turned = F.grid_sample(portraits, grid, align_corners=False, padding_mode="reflection")
    light = torch.stack([draw(-0.04, 0.04) for _ in range(3)], 1) + draw(-0.08, 0.08)[:, None]
    contrast = draw(0.8, 1.2)[:, None, None, None]
    lit = (turned - 0.5) * contrast + 0.5 + light[:, :, None, None]
    blurred = F.avg_pool2d(F.pad(lit, (1, 1, 1, 1), mode="reflect"), 3, 1)
    focus = draw(-0.5, 1).clamp(min=0)[:, None, None, None]
    noise = draw(0.01, 0.03)[:, None, None, None] * torch.randn(lit.shape, generator=rng)
    return (focus * blurred + (1 - focus) * lit + noise).clamp(0, 1)
