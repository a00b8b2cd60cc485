"""Every transform: 8-bit pixels in, as many out, by a real encoder, the same each time."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from skimage import data

from lowkey_core.transforms import TRANSFORMS, load
from lowkey_core.types import Pixels

NAMES = TRANSFORMS.available()
VALUES = {
    "avif": ("0", "60", "100"),
    "blur": ("0.1", "1.5", "10"),
    "double-jpeg": ("1", "75", "100", "75:shift=0", "75:shift=15"),
    "jpeg": ("1", "30", "75", "100"),
    "longest": ("16", "100", "1600@jpeg:70", "30000"),
    "resize": ("0.05", "0.5", "1"),
    "webp": ("0", "75", "100"),
}
"""What a value may be, its limits among them; without one for the rest."""
SPECS = [
    f"{name}:{value}" if value else name for name in NAMES for value in VALUES.get(name, ("",))
]
SHAPES = [(112, 112), (96, 130), (131, 97)]


def photo(height: int, width: int) -> Pixels:
    return np.array(data.astronaut()[50 : 50 + height, 160 : 160 + width])


@pytest.mark.parametrize("name", [*NAMES, *SPECS])
@pytest.mark.parametrize("shape", SHAPES)
def test_keeps_kind_size_and_its_input(name: str, shape: tuple[int, int]) -> None:
    pixels = photo(*shape)
    before = pixels.copy()
    after = TRANSFORMS.load(name)(pixels)
    assert isinstance(after, np.ndarray)
    assert (after.dtype, after.shape) == (np.uint8, before.shape)
    assert after.flags.writeable, "torch warns of a tensor that is not"
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("name", SPECS)
def test_is_the_same_each_time(name: str) -> None:
    pixels = photo(112, 112)
    once = load(name)(pixels)
    np.random.default_rng().random()
    assert np.array_equal(load(name)(pixels.copy()), once)


@pytest.mark.parametrize("name", NAMES)
def test_leaves_a_recognisable_picture_unless_told_otherwise(name: str) -> None:
    pixels = photo(112, 112)
    error = (load(name)(pixels).astype(float) - pixels) ** 2
    assert error.mean() < 255**2 / 100, "20 dB"


@pytest.mark.parametrize("name", NAMES)
def test_any_two_may_be_chained(name: str) -> None:
    pixels = photo(112, 112)
    for other in NAMES:
        expected = load(other)(load(name)(pixels))
        assert np.array_equal(load(f"{name}+{other}")(pixels), expected)


def through_file(pixels: Pixels, kind: str, **options: object) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return np.array(Image.open(file))


def resized(pixels: Pixels, factor: float) -> Pixels:
    height, width = pixels.shape[:2]
    small = Image.fromarray(pixels).resize(
        (round(width * factor), round(height * factor)), Image.Resampling.LANCZOS
    )
    return np.array(small.resize((width, height), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        *(
            (f"jpeg:{q}", lambda p, q=q: through_file(p, "JPEG", quality=q, subsampling=2))
            for q in (1, 30, 75, 100)
        ),
        *(
            (f"webp:{q}", lambda p, q=q: through_file(p, "WEBP", quality=q))
            for q in (0, 30, 75, 100)
        ),
        *(
            (f"avif:{q}", lambda p, q=q: through_file(p, "AVIF", quality=q, max_threads=1))
            for q in (0, 30, 60, 100)
        ),
        ("png", lambda p: through_file(p, "PNG")),
        *((f"resize:{f}", lambda p, f=f: resized(p, f)) for f in (0.25, 0.5, 1)),
    ],
)
def test_a_real_codec_is_pillows(
    name: str, theirs: Callable[[Pixels], Pixels], shape: tuple[int, int]
) -> None:
    pixels = photo(*shape)
    assert np.array_equal(load(name)(pixels), theirs(pixels))
