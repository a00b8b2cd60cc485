"""How a picture may be seen once it is published: a cloak that holds for such views transfers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from lowkey_core.types import Images


def warped(images: Images, theta: Tensor) -> Images:
    """The pictures seen through a projective map, bilinear, their edges continued.

    theta: (n, 3, 3), from places of the result to places of the picture; both run from -1 to 1.
    """
    height, width = images.shape[2:]
    y, x = (torch.linspace(-1, 1, side, device=images.device) for side in (height, width))
    places = torch.stack(
        [*torch.meshgrid(x, y, indexing="xy"), torch.ones(height, width).to(x)], -1
    )
    there = places.flatten(0, 1) @ theta.transpose(1, 2)
    grid = (there[..., :2] / there[..., 2:]).view(len(images), height, width, 2)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=True)


def maps(draws: Sequence[Generator], turn: float, tilt: float) -> Tensor:
    """(n, 3, 3): for each generator a random projective map near the identity.

    turn: standard deviation of the angle, in radians. tilt: of the two projective terms.
    """
    theta = torch.eye(3).repeat(len(draws), 1, 1)
    for each, draw in zip(theta, draws, strict=True):
        angle, *lean = torch.randn(3, generator=draw).tolist()
        c, s = torch.tensor(turn * angle).cos(), torch.tensor(turn * angle).sin()
        each[:2, :2] = torch.stack([torch.stack([c, -s]), torch.stack([s, c])])
        each[2, :2] = tilt * torch.tensor(lean)
    return theta


def mild(draws: Sequence[Generator], strength: float) -> Callable[[Images], Images]:
    """A random warp for each picture, an affine map and a smooth displacement: a face as it might
    be aligned or held a little differently.

    strength: 1 is an affine map of 0.06, a shift of 0.03 and displacements of 0.04 of half the
    picture's width at most, each uniform.
    """
    affine, bends = [], []
    for draw in draws:
        numbers = (torch.rand(6 + 2 * _KNOTS**2, generator=draw) * 2 - 1) * strength
        affine.append(torch.eye(2, 3) + numbers[:6].view(2, 3) * torch.tensor([0.06, 0.06, 0.03]))
        bends.append(0.04 * numbers[6:].view(2, _KNOTS, _KNOTS))
    theta, bend = torch.stack(affine), torch.stack(bends)

    def view(images: Images) -> Images:
        grid = F.affine_grid(theta.to(images), list(images.shape), align_corners=False)
        smooth = F.interpolate(
            bend.to(images), images.shape[2:], mode="bicubic", align_corners=True
        )
        grid = grid + smooth.permute(0, 2, 3, 1)
        return F.grid_sample(images, grid, padding_mode="border", align_corners=False)

    return view


_KNOTS = 4
"""A side of the grid of displacements."""
