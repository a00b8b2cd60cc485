"""Limits hold of the 8-bit file, and what is drawn depends on content and seed alone."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from lowkey_core.cloaking.limits import ball, firsts, pixels, uniform, whole_levels
from lowkey_core.content import quantise

CLEAN = quantise(torch.rand(3, 3, 8, 8, generator=Generator().manual_seed(1)))


@pytest.mark.parametrize("eps", [8 / 255, 0.03, 0.0314, 1 / 255, 0.1, 1.0])
@pytest.mark.parametrize("by", [-2.0, -0.031, -0.0302, 0.0302, 0.031, 2.0])
def test_a_ball_holds_in_the_8_bit_file(eps: float, by: float) -> None:
    kept = ball(CLEAN, eps)(CLEAN + by)
    assert kept.min() >= 0
    assert kept.max() <= 1
    levels = (quantise(kept) - CLEAN).mul(255).round().abs().max()
    assert levels <= eps * 255 + 1e-4


@pytest.mark.parametrize(
    ("eps", "levels"), [(8 / 255, 8), (0.03, 7), (0.0314, 8), (1 / 255, 1), (0.003, 0), (1.0, 255)]
)
def test_the_whole_grey_levels_of_a_bound(eps: float, levels: int) -> None:
    assert whole_levels(eps) == levels / 255


def test_what_is_within_a_ball_is_left_alone() -> None:
    near = (CLEAN + 0.02).clamp(0, 1)
    assert torch.equal(ball(CLEAN, 0.03)(near), near)
    assert pixels(torch.tensor([-1.0, 0.4, 2.0])).tolist() == pytest.approx([0, 0.4, 1])


def drawn(seed: int, *digests: str) -> Tensor:
    rng = Generator().manual_seed(seed)
    torch.rand(3, generator=rng)  # how far it has come does not matter
    return uniform((3, 4), 0.1, rng, digests)


def test_a_start_depends_on_digest_and_seed_alone() -> None:
    a, b = drawn(1, "a", "b")
    assert torch.equal(drawn(1, "b")[0], b)
    assert torch.equal(drawn(1, "c", "b", "a")[2], a)
    assert not torch.equal(a, b)
    assert not torch.equal(drawn(2, "a")[0], a)


def test_a_start_is_spread_over_its_width() -> None:
    many = uniform((10_000,), 0.1, Generator().manual_seed(0), ["a"])
    assert many.abs().max() <= 0.1
    assert many.min() < -0.099
    assert many.max() > 0.099
    assert abs(many.mean()) < 0.003


def test_a_person_has_one_name_in_whatever_order_the_pictures_are() -> None:
    digests, owner = ["d", "b", "a", "c"], torch.tensor([0, 1, 1, 0])
    assert firsts(digests, owner) == ["c", "a"]
    turned = torch.tensor([2, 0, 3, 1])
    assert firsts([digests[i] for i in turned.tolist()], owner[turned]) == ["c", "a"]
