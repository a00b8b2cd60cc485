"""Every cloak that exists keeps these promises; a new file is found by itself."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from lowkey_core.checks import check_images
from lowkey_core.cloaks import CLOAKS, load
from lowkey_core.spec import Plain, parse
from lowkey_core.types import Cloak, CloakAbout, Pictures
from tests.conftest import TinyNetwork

NAMES = [name for name in CLOAKS.available() if name != "folder"]
"""Bar `folder`, which cloaks nothing: tests/lowkey_core/cloaks/test_folder.py."""
SURROGATES = (TinyNetwork(1), TinyNetwork(2))


def build(name: str, **options: Plain) -> Cloak:
    return load(str(parse(name).given(**options)), lambda: SURROGATES)


def rng() -> Generator:
    return Generator().manual_seed(3)


@pytest.mark.parametrize("name", NAMES)
def test_keeps_shape_range_and_its_input(name: str, pictures: Pictures) -> None:
    before = pictures.images.clone()
    cloaked = build(name)(pictures, rng())
    assert cloaked.shape == before.shape
    check_images(cloaked)
    assert torch.equal(pictures.images, before)


@pytest.mark.parametrize("name", NAMES)
def test_depends_on_nothing_but_seed_and_content(name: str, pictures: Pictures) -> None:
    torch.manual_seed(1)
    first = build(name)(pictures, rng())
    torch.manual_seed(2)
    assert torch.equal(first, build(name)(pictures, rng()))


@pytest.mark.parametrize("name", NAMES)
def test_randomness_of_a_picture_ignores_its_neighbours(name: str, pictures: Pictures) -> None:
    """Bar lowkey:released, whose perceptual price is the first picture's alone: that defect is
    the variant's point."""
    alone = build(name)(pictures.select([2]), rng())
    together = build(name)(pictures, rng())[2:3]
    same = (alone - together).abs().mean() < 0.01
    assert same != (name == "lowkey:released")


@pytest.mark.parametrize("name", [c for c in NAMES if c != "none"])
def test_changes_every_picture(name: str, pictures: Pictures) -> None:
    cloaked = build(name)(pictures, rng())
    assert (cloaked - pictures.images).abs().amax((1, 2, 3)).min() > 2 / 255


@pytest.mark.parametrize("name", [c for c in NAMES if c.startswith("lowkey")])
def test_zero_steps_is_the_identity(name: str, pictures: Pictures) -> None:
    assert torch.equal(build(name, steps=0)(pictures, rng()), pictures.images)


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_was_optimised_against(name: str) -> None:
    """So that a report can tell which recognisers it has never seen."""
    about = build(name).about
    assert isinstance(about, CloakAbout)
    asks = CLOAKS.find(parse(name)).asks_for("surrogates")
    assert about.against == (SURROGATES if asks else ())
