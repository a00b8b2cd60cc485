"""Real encoders, chained by name."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor

from lowkey_core.checks import check_images
from lowkey_core.errors import OptionError, UnknownNameError
from lowkey_core.faces.visibility import psnr
from lowkey_core.transforms import KINDS, USAGE, parse


@pytest.fixture
def crop(astronaut: Tensor) -> Tensor:
    return astronaut[..., 50:162, 160:272]


@pytest.mark.parametrize("name", USAGE)
def test_every_transform_keeps_shape_and_range_and_eight_bits(name: str, crop: Tensor) -> None:
    before = crop.clone()
    after = parse(name)(crop)
    check_images(after)
    assert after.shape == crop.shape
    assert torch.equal(crop, before)
    assert torch.allclose(after * 255, (after * 255).round(), atol=1e-4)
    assert psnr(before, after) > 20


def test_usage_names_every_kind() -> None:
    assert {u.partition(":")[0] for u in USAGE} == set(KINDS)


@pytest.mark.parametrize("name", ["none", "png"])
def test_lossless_means_lossless(name: str, crop: Tensor) -> None:
    assert torch.equal(parse(name)(crop), crop)


def test_jpeg_is_pillows_at_this_quality_with_halved_colour(crop: Tensor) -> None:
    pixels = (crop[0].permute(1, 2, 0) * 255).round().byte().numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=30, subsampling=2)
    theirs = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) / 255
    assert torch.equal(parse("jpeg:30")(crop)[0], theirs)


def test_blur_is_scipys(crop: Tensor) -> None:
    theirs = gaussian_filter(crop[0].numpy(), (0, 1.5, 1.5), mode="mirror", truncate=3.0)
    assert (parse("blur:1.5")(crop)[0] - torch.from_numpy(theirs)).abs().max() < 0.01


def test_a_chain_runs_from_left_to_right(crop: Tensor) -> None:
    chained = parse("resize:0.5+jpeg:30")(crop)
    assert torch.equal(chained, parse("jpeg:30")(parse("resize:0.5")(crop)))
    assert not torch.equal(chained, parse("jpeg:30+resize:0.5")(crop))


@pytest.mark.parametrize("name", ["jpeg", "jpeg:0", "jpeg:high", "none:1", "blur:", "resize:2"])
def test_wrong_values_are_named(name: str) -> None:
    with pytest.raises(OptionError, match="expected"):
        parse(name)


@pytest.mark.parametrize("name", ["", "jpg:75", "jpeg:75+", "webp"])
def test_unknown_transforms_are_named(name: str) -> None:
    with pytest.raises(UnknownNameError, match="no transform"):
        parse(name)
