"""Real encoders, chained by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, features
from scipy.ndimage import gaussian_filter
from torch import Tensor

from lowkey_core.errors import NotPossibleError, OptionError, PluginError, UnknownNameError
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


def photo(height: int, width: int) -> Pixels:
    """A smooth photo with a little noise, of any size."""
    rows, columns = np.mgrid[0:height, 0:width] / 40
    grey = 127 + 80 * np.sin(rows) * np.cos(columns)
    noise = np.random.default_rng(0).normal(0, 8, (height, width, 3))
    return (grey[..., None] + noise).clip(0, 255).astype(np.uint8)


def scaled(pixels: Pixels, height: int, width: int, how: Image.Resampling) -> Pixels:
    return np.array(Image.fromarray(pixels).resize((width, height), how))


DOWN, UP = Image.Resampling.LANCZOS, Image.Resampling.BICUBIC
PLATFORMS = {
    "messenger": (1600, "jpeg:70"),
    "phone-upload": (2048, "jpeg:85"),
    "thumbnail": (320, "jpeg:80"),
}


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_shrinks_a_large_photo_encodes_it_and_here_it_is_scaled_back(name: str) -> None:
    side, codec = PLATFORMS[name]
    for shape in ((200, 3000), (3000, 200)):
        large, factor = photo(*shape), side / 3000
        small = scaled(large, round(shape[0] * factor), round(shape[1] * factor), DOWN)
        assert max(small.shape) == side
        assert np.array_equal(load(name)(large), scaled(load(codec)(small), *shape, UP))


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_only_encodes_a_small_photo(name: str, crop: Pixels) -> None:
    _, codec = PLATFORMS[name]
    assert np.array_equal(load(name)(crop), load(codec)(crop))


def test_a_platform_with_other_numbers_is_written_out(crop: Pixels) -> None:
    assert np.array_equal(load("longest:56")(crop), load("resize:0.5")(crop))
    small = scaled(crop, 56, 56, DOWN)
    expected = scaled(load("jpeg:60")(small), 112, 112, UP)
    assert np.array_equal(load("longest:56@jpeg:60")(crop), expected)
    assert not np.array_equal(load("longest:56+jpeg:60")(crop), expected), "a JPEG at full size"


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ((112, 112), (1080, 1080)),
        ((100, 1500), (72, 1080)),
        ((120, 50), (2400, 1000)),
        ((3000, 150), (2400, 120)),
    ],
)
def test_a_screenshot_fills_the_screen(shape: tuple[int, int], shown: tuple[int, int]) -> None:
    pixels = photo(*shape)
    enlarged = shown > shape
    seen = load("jpeg:85")(scaled(pixels, *shown, UP if enlarged else DOWN))
    expected = scaled(seen, *shape, DOWN if enlarged else UP)
    assert np.array_equal(load("screenshot")(pixels), expected)


def loss(name: str, pixels: Pixels) -> float:
    return float(((load(name)(pixels).astype(float) - pixels) ** 2).mean())


def test_what_is_smaller_loses_more() -> None:
    pixels = photo(400, 2400)
    names = ("none", "phone-upload", "messenger", "thumbnail")
    losses = [loss(name, pixels) for name in names]
    assert losses == sorted(losses)
    assert len(set(losses)) == len(names)


@pytest.mark.parametrize("codec", ["jpeg", "webp", "avif", "double-jpeg"])
def test_a_lower_quality_loses_more(codec: str, crop: Pixels) -> None:
    losses = [loss(f"{codec}:{quality}", crop) for quality in (95, 50, 10)]
    assert losses[0] < losses[1] < losses[2]


def test_a_photo_posted_again_has_its_second_jpeg_on_another_grid(crop: Pixels) -> None:
    once = load("jpeg:90")(crop)
    again = load("double-jpeg:75")(crop)
    assert np.array_equal(again[4:, 4:], load("jpeg:75")(once[4:, 4:]))
    assert np.array_equal(again[:4], once[:4])
    assert np.array_equal(again[:, :4], once[:, :4])
    on_one_grid = load("jpeg:60+jpeg:75")(crop)
    assert np.array_equal(load("double-jpeg:75:first=60:shift=0")(crop), on_one_grid)
    tiny = photo(1, 2)
    assert load("double-jpeg")(tiny).shape == tiny.shape


def test_a_photo_too_long_for_webp_is_shrunk_until_it_fits() -> None:
    long = photo(4, 16400)
    expected = scaled(load("webp")(scaled(long, 4, 16383, DOWN)), 4, 16400, UP)
    assert np.array_equal(load("webp")(long), expected)


def test_without_avif_in_pillow_it_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _: False)
    with pytest.raises(NotPossibleError, match="writes no AVIF"):
        load("avif")


@pytest.mark.parametrize(
    "name",
    [
        *("jpeg:0", "jpeg:101", "jpeg:high", "none:1", "blur:", "resize:2", "jpeg:75:3"),
        *("webp:101", "avif:-1", "double-jpeg:75:shift=16", "longest:15", "longest:1600@jpeg:0"),
        *("messenger:70", "thumbnail:64", "jpeg:75@png"),
    ],
)
def test_wrong_values_are_named(name: str) -> None:
    with pytest.raises(OptionError, match="expected"):
        load(name)


@pytest.mark.parametrize("name", ["jpg:75", "jpeg2000", "longest:1600@jpg", "messanger"])
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
