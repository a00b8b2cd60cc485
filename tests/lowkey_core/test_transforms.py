"""Real encoders, chained by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from lowkey_core.errors import OptionError, PluginError, UnknownNameError
from lowkey_core.photos.images import from_pixels, to_pixels
from lowkey_core.publish.served import served
from lowkey_core.transforms import load
from lowkey_core.types import Pictures, Pixels


@pytest.fixture
def crop(astronaut: Tensor) -> Pixels:
    return to_pixels(astronaut[..., 50:162, 160:272])


@pytest.mark.parametrize("name", ["none", "png"])
def test_lossless_means_lossless(name: str, crop: Pixels) -> None:
    assert np.array_equal(load(name)(crop), crop)


def test_blur_is_scipys(crop: Pixels) -> None:
    theirs = gaussian_filter(crop.astype(float), (1.5, 1.5, 0), mode="mirror", truncate=3.0)
    assert np.abs(load("blur:1.5")(crop) - theirs).max() < 2.5


def test_a_value_is_the_first_option(crop: Pixels) -> None:
    for short, long in (("jpeg:30", "jpeg:quality=30"), ("blur:2", "blur:sigma=2")):
        assert np.array_equal(load(short)(crop), load(long)(crop))
    assert np.array_equal(load("jpeg")(crop), load("jpeg:75")(crop))


def test_a_chain_runs_from_left_to_right(crop: Pixels) -> None:
    chained = load("resize:0.5+jpeg:30")(crop)
    assert np.array_equal(chained, load("jpeg:30")(load("resize:0.5")(crop)))
    assert not np.array_equal(chained, load("jpeg:30+resize:0.5")(crop))


def test_pictures_are_served_one_by_one_under_their_own_names(pictures: Pictures) -> None:
    after = served(pictures, "jpeg:30", load("jpeg:30"))
    assert (after.names, after.people) == (pictures.names, pictures.people)
    for one, image in zip(after.faces().split(1), pictures.faces().split(1), strict=True):
        assert torch.equal(one, from_pixels(load("jpeg:30")(to_pixels(image))))
    assert served(pictures.select([]), "jpeg:30", load("jpeg:30")).names == ()


@pytest.mark.parametrize(
    "name", ["jpeg:0", "jpeg:101", "jpeg:high", "none:1", "blur:", "resize:2", "jpeg:75:3"]
)
def test_wrong_values_are_named(name: str) -> None:
    with pytest.raises(OptionError, match="expected"):
        load(name)


@pytest.mark.parametrize("name", ["jpg:75", "webp"])
def test_unknown_transforms_are_named(name: str) -> None:
    with pytest.raises(UnknownNameError, match="no transform"):
        load(name)


@pytest.mark.parametrize("name", ["", "jpeg:75+", "+"])
def test_a_chain_has_no_gaps(name: str) -> None:
    with pytest.raises(OptionError, match="no name"):
        load(name)


@pytest.mark.parametrize(
    ("answer", "told"),
    [("pixels[:5]", r"uint8 \(5, "), ("pixels / 255", "float64"), ("None", "NoneType")],
)
def test_a_plugin_that_returns_no_picture_is_said_so(
    answer: str, told: str, crop: Pixels, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(f"def build(): return lambda pixels: {answer}")
    mine: Callable[[Pixels], Pixels] = load(f"jpeg+{tmp_path / 'mine.py'}")
    with pytest.raises(PluginError, match=told):
        mine(crop)
