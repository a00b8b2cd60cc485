"""Views: maps of the plane, and what is seen through them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor

from lowkey_core.cloaking.views import maps, warped

IMAGES = torch.rand(2, 3, 12, 12, generator=Generator().manual_seed(1))


def turned(degrees: float) -> Tensor:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]]).repeat(2, 1, 1)


def test_the_identity_shows_the_picture() -> None:
    assert torch.allclose(warped(IMAGES, turned(0)), IMAGES, atol=1e-5)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_quarter_turn_is_one(quarters: int) -> None:
    seen = warped(IMAGES, turned(90 * quarters))
    assert torch.allclose(seen, torch.rot90(IMAGES, quarters, (2, 3)), atol=1e-5)


def test_each_picture_has_a_map_of_its_own() -> None:
    theta = torch.stack([turned(0)[0], turned(90)[0]])
    first, second = warped(IMAGES, theta)
    assert torch.allclose(first, IMAGES[0], atol=1e-5)
    assert torch.allclose(second, torch.rot90(IMAGES[1], 1, (1, 2)), atol=1e-5)


def test_a_tilted_picture_is_smaller_at_one_side() -> None:
    """At the right, (x, y) shows what is at (x, y) / (1 + tilt * x)."""
    theta = turned(0)
    theta[:, 2, 0] = 1.0
    ramp = torch.linspace(-1, 1, 13).view(1, 1, 1, 13).expand(2, 3, 13, 13)
    seen = warped(ramp, theta)
    assert seen[0, 0, 6, 12] == pytest.approx(0.5, abs=1e-5)
    assert seen[0, 0, 6, 6] == pytest.approx(0, abs=1e-5)


def test_the_rim_is_continued() -> None:
    theta = turned(0)
    theta[:, :2] *= 3
    assert torch.allclose(warped(IMAGES, theta)[..., 0, 0], IMAGES[..., 0, 0])


def drawn(*seeds: int, turn: float = 0.1, tilt: float = 0.01) -> Tensor:
    return maps([Generator().manual_seed(seed) for seed in seeds], turn, tilt)


def test_maps_are_seeded_one_by_one() -> None:
    both = drawn(1, 2)
    assert torch.equal(drawn(2)[0], both[1])
    assert not torch.equal(both[0], both[1])
    draw = Generator().manual_seed(1)
    first, then = (maps([draw], 0.1, 0.01)[0] for _ in range(2))
    assert torch.equal(first, both[0])
    assert not torch.equal(then, first)


def test_maps_are_as_far_from_the_identity_as_was_asked() -> None:
    many = drawn(*range(2000), turn=0.1, tilt=0.01)
    angles = torch.atan2(many[:, 1, 0], many[:, 0, 0])
    assert angles.std().item() == pytest.approx(0.1, rel=0.1)
    assert many[:, 2, :2].std().item() == pytest.approx(0.01, rel=0.1)
    assert torch.allclose(torch.linalg.det(many[:, :2, :2]), torch.ones(2000), atol=1e-5)
    assert torch.equal(drawn(3, turn=0, tilt=0)[0], torch.eye(3))


def test_a_view_has_a_gradient() -> None:
    images = IMAGES.clone().requires_grad_()
    warped(images, drawn(1, 2)).sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0
