"""Faces in photographs, and none where there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lowkey_core.faces.alignment import similarity, warp
from lowkey_core.faces.detection import aligned, find, landmarks
from lowkey_core.photos.decoding import Pixels, encode_pixels
from lowkey_core.photos.images import from_pixels, to_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.work.work import Work


@pytest.fixture(scope="module")
def portrait(astronaut: torch.Tensor) -> Pixels:
    return to_pixels(astronaut)


def test_finds_the_astronauts_face(portrait: Pixels) -> None:
    (points,) = landmarks(portrait)
    x, y = points.mean(0).tolist()
    assert 190 < x < 260
    assert 80 < y < 150


@pytest.mark.parametrize("side", [8, 100])
def test_nobody_is_found_where_nobody_is(side: int) -> None:
    assert landmarks(np.full((side, side, 3), 128, np.uint8)).shape == (0, 5, 2)


def test_a_large_photo_is_searched_in_a_smaller_copy(portrait: Pixels) -> None:
    """The face of a photo of 9 megapixels is where it was, six times as far out."""
    (small,), (large,) = landmarks(portrait), landmarks(enlarged(portrait, 6))
    assert torch.allclose((large + 0.5) / 6 - 0.5, small, atol=2)


def test_two_people_are_both_found_the_larger_first(portrait: Pixels) -> None:
    two = np.zeros((512, 1024, 3), np.uint8)
    two[:, 512:] = portrait
    two[:256, :256] = np.array(Image.fromarray(portrait).resize((256, 256)))
    first, second = landmarks(two).mean(1)
    assert first[0] > 512 > second[0]


def test_the_part_that_is_seen_is_enough(portrait: Pixels) -> None:
    face = similarity(landmarks(portrait)[0])
    whole = warp(from_pixels(portrait), face[None])
    assert torch.allclose(aligned(portrait, face), whole, atol=0.51 / 255)


def test_what_cannot_be_read_has_a_reason_and_no_faces(portrait: Pixels, tmp_path: Path) -> None:
    good, bad, absent = (tmp_path / name for name in ("good.png", "bad.png", "absent.png"))
    good.write_bytes(encode_pixels(portrait, "PNG"))
    bad.write_bytes(b"no picture")
    found = find([Photo("", p.name, p) for p in (good, bad, absent)], Work())
    assert [len(f.faces) for f in found] == [1, 0, 0]
    assert [f.lost for f in found] == [None, "not a picture", "unreadable"]
    assert found[0].size == (512, 512)


def enlarged(pixels: Pixels, times: int) -> Pixels:
    height, width = pixels.shape[:2]
    return np.array(Image.fromarray(pixels).resize((width * times, height * times)))
