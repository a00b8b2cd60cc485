"""Picture files as tensors, and back."""

from __future__ import annotations

import pytest
import torch

from lowkey_core.checks import check_images
from lowkey_core.errors import ImageRangeError, ImageShapeError, UnreadableImageError
from lowkey_core.photos.images import decode, decode_pixels, encode, from_pillow, to_pillow
from tests.lowkey_core.photos.picture_files import FILES


def test_png_is_lossless() -> None:
    picture = torch.rand(1, 3, 9, 7).mul(255).round().div(255)
    assert torch.equal(decode(encode(picture, "PNG")), picture)


def test_decode_agrees_with_decode_pixels() -> None:
    picture = torch.from_numpy(decode_pixels(FILES["jpeg"])).permute(2, 0, 1)[None] / 255
    assert torch.equal(decode(FILES["jpeg"]), picture)


def test_a_file_that_is_no_picture_is_refused() -> None:
    with pytest.raises(UnreadableImageError, match=r"holiday\.jpg cannot be read"):
        decode(b"text", "holiday.jpg")


def test_pillow_round_trip() -> None:
    picture = torch.rand(1, 3, 5, 6).mul(255).round().div(255)
    assert torch.equal(from_pillow(to_pillow(picture)), picture)


@pytest.mark.parametrize("wrong", [torch.zeros(3, 4, 4), torch.zeros(1, 1, 4, 4)])
def test_wrong_shapes_are_refused(wrong: torch.Tensor) -> None:
    with pytest.raises(ImageShapeError, match=r"expected \(n, 3, height, width\)"):
        check_images(wrong)


@pytest.mark.parametrize("value", [-0.1, 255.0, float("nan")])
def test_wrong_ranges_are_refused(value: float) -> None:
    with pytest.raises(ImageRangeError, match="expected"):
        check_images(torch.full((1, 3, 4, 4), value))
