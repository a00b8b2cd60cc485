"""Every cloak that exists keeps these promises; a new file is found by itself."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from lowkey_core import plugins
from lowkey_core.checks import check_images
from lowkey_core.types import Cloak, Pictures
from tests.conftest import TinyNetwork, people

CLOAKS = [name for name in plugins.available("lowkey_core.cloaks") if name != "folder"]
"""Bar `folder`, which cloaks nothing: tests/lowkey_core/test_folder.py."""


def build(name: str, **options: float) -> Cloak:
    offered = {"surrogates": (TinyNetwork(1), TinyNetwork(2))}
    cloak: Cloak = plugins.load("lowkey_core.cloaks", name, offered=offered, options=options)
    return cloak


def rng() -> Generator:
    return Generator().manual_seed(3)


@pytest.mark.parametrize("name", CLOAKS)
def test_keeps_shape_range_and_its_input(name: str, pictures: Pictures) -> None:
    before = pictures.images.clone()
    cloaked = build(name)(pictures, rng())
    assert cloaked.shape == before.shape
    check_images(cloaked)
    assert torch.equal(pictures.images, before)


@pytest.mark.parametrize("name", CLOAKS)
def test_depends_on_nothing_but_seed_and_content(name: str, pictures: Pictures) -> None:
    torch.manual_seed(1)
    first = build(name)(pictures, rng())
    torch.manual_seed(2)
    assert torch.equal(first, build(name)(pictures, rng()))


@pytest.mark.parametrize("name", CLOAKS)
def test_randomness_of_a_picture_ignores_its_neighbours(name: str, pictures: Pictures) -> None:
    """Bar lowkey:released, whose perceptual price is the first picture's alone: that defect is
    the variant's point."""
    alone = build(name)(pictures.select([2]), rng())
    together = build(name)(pictures, rng())[2:3]
    same = (alone - together).abs().mean() < 0.01
    assert same != (name == "lowkey:released")


@pytest.mark.parametrize("name", [c for c in CLOAKS if c != "none"])
def test_changes_every_picture(name: str, pictures: Pictures) -> None:
    cloaked = build(name)(pictures, rng())
    assert (cloaked - pictures.images).abs().amax((1, 2, 3)).min() > 2 / 255


@pytest.mark.parametrize("name", [c for c in CLOAKS if c.startswith("lowkey")])
def test_zero_steps_is_the_identity(name: str, pictures: Pictures) -> None:
    assert torch.equal(build(name, steps=0)(pictures, rng()), pictures.images)


@pytest.mark.parametrize("name", CLOAKS)
def test_cloaks_photos_in_photo_coordinates(name: str) -> None:
    """A photo with its warp comes back at its own size, changed where the face is."""
    crop = people(1, 1)
    photo = torch.nn.functional.pad(crop.images, (40, 60, 30, 50), value=0.5)
    warps = torch.tensor([[[1.0, 0, -40], [0, 1, -30]]])
    pictures = Pictures(photo, crop.identities, crop.names, warps)
    cloaked = build(name)(pictures, rng())
    assert cloaked.shape == photo.shape
    face = (cloaked - photo)[..., 30:142, 40:152].abs().amax()
    assert (face > 2 / 255) == (name != "none")
