"""Files of strangers in, plain pixels out."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from lowkey_core import images
from lowkey_core.checks import ImageRangeError, ImageShapeError, UnreadableImageError, check_images
from lowkey_core.images import decode, encode, from_pillow, to_pillow


def jpeg(orientation: int = 1) -> bytes:
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:5, :5] = 255  # bright corner, top left
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "secret place"
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95, exif=exif)
    return file.getvalue()


def test_png_is_lossless() -> None:
    picture = torch.rand(1, 3, 9, 7).mul(255).round().div(255)
    assert torch.equal(decode(encode(picture, "PNG")), picture)


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, (0, 0)), (3, (-1, -1)), (6, (0, -1)), (8, (-1, 0))],
)
def test_comes_out_upright(orientation: int, corner: tuple[int, int]) -> None:
    picture = decode(jpeg(orientation))
    assert picture.shape == ((1, 3, 20, 30) if orientation in (1, 3) else (1, 3, 30, 20))
    assert picture[0, :, corner[0], corner[1]].min() > 0.8


def test_metadata_does_not_survive() -> None:
    assert b"secret place" in jpeg()
    assert b"secret place" not in encode(decode(jpeg()), "JPEG")


@pytest.mark.parametrize(
    "content",
    [b"", b"not a picture", jpeg()[:200], b"GIF89a" + bytes(50), b"\xff\xd8\xff" + bytes(100)],
)
def test_what_is_no_picture_is_said_so(content: bytes) -> None:
    with pytest.raises(UnreadableImageError, match=r"holiday\.jpg cannot be read"):
        decode(content, "holiday.jpg")


def test_a_huge_picture_is_refused_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 599)
    with pytest.raises(UnreadableImageError, match="30x20"):
        decode(jpeg())


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "LA", "1"])
def test_every_png_mode_becomes_rgb(mode: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "white").convert(mode).save(file, "PNG")
    assert torch.equal(decode(file.getvalue()), torch.ones(1, 3, 8, 8))


def test_pillow_round_trip() -> None:
    picture = torch.rand(1, 3, 5, 6).mul(255).round().div(255)
    assert torch.equal(from_pillow(to_pillow(picture)), picture)


@pytest.mark.parametrize("wrong", [torch.zeros(3, 4, 4), torch.zeros(1, 1, 4, 4)])
def test_wrong_shapes_are_named(wrong: torch.Tensor) -> None:
    with pytest.raises(ImageShapeError, match=r"expected \(n, 3, height, width\)"):
        check_images(wrong)


@pytest.mark.parametrize("value", [-0.1, 255.0, float("nan")])
def test_wrong_ranges_are_named(value: float) -> None:
    with pytest.raises(ImageRangeError, match="expected"):
        check_images(torch.full((1, 3, 4, 4), value))
