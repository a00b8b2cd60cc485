"""Every cloak that exists keeps these promises; a new file is found by itself."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from lowkey_core.checks import check_images
from lowkey_core.cloaks import CLOAKS, Cloak, CloakAbout, PhotoCloak, load
from lowkey_core.spec import Plain, parse
from lowkey_core.types import Faces, Pictures, faces_of
from tests.conftest import TinyNetwork

NAMES = [name for name in CLOAKS.available() if name not in ("folder", "command")]
"""Bar those that publish whole photos and are not asked for faces: test_folder.py and
test_command.py in tests/lowkey_core/cloaks."""
SURROGATES = (TinyNetwork(1), TinyNetwork(2))


@pytest.fixture
def faces(pictures: Pictures) -> Faces:
    return faces_of(pictures)


def build(name: str, **options: Plain) -> Cloak:
    cloak = load(str(parse(name).given(**options)), lambda: SURROGATES)
    assert not isinstance(cloak, PhotoCloak)
    return cloak


def rng() -> Generator:
    return Generator().manual_seed(3)


@pytest.mark.parametrize("name", NAMES)
def test_keeps_shape_range_and_its_input(name: str, faces: Faces) -> None:
    before = faces.images.clone()
    cloaked = build(name)(faces, rng())
    assert cloaked.shape == before.shape
    check_images(cloaked)
    assert torch.equal(faces.images, before)


@pytest.mark.parametrize("name", NAMES)
def test_depends_on_nothing_but_seed_and_content(name: str, faces: Faces) -> None:
    torch.manual_seed(1)
    first = build(name)(faces, rng())
    torch.manual_seed(2)
    assert torch.equal(first, build(name)(faces, rng()))


@pytest.mark.parametrize("name", NAMES)
def test_randomness_of_a_picture_ignores_its_neighbours(name: str, faces: Faces) -> None:
    """Bar lowkey:released, whose perceptual price is the first picture's alone: that defect is
    the variant's point."""
    alone = build(name)(faces.select(torch.tensor([2])), rng())
    together = build(name)(faces, rng())[2:3]
    same = (alone - together).abs().mean() < 0.01
    assert same != (name == "lowkey:released")


@pytest.mark.parametrize("name", [c for c in NAMES if c != "none"])
def test_changes_every_picture(name: str, faces: Faces) -> None:
    cloaked = build(name)(faces, rng())
    assert (cloaked - faces.images).abs().amax((1, 2, 3)).min() > 2 / 255


@pytest.mark.parametrize("name", [c for c in NAMES if c.startswith("lowkey")])
def test_zero_steps_is_the_identity(name: str, faces: Faces) -> None:
    assert torch.equal(build(name, steps=0)(faces, rng()), faces.images)


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_was_optimised_against(name: str) -> None:
    """So that a report can tell which recognisers it has never seen."""
    about = build(name).about
    assert isinstance(about, CloakAbout)
    asks = CLOAKS.find(parse(name)).asks_for("surrogates")
    assert about.against == (SURROGATES if asks else ())
