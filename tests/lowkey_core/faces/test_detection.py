"""Faces in photographs, and none where there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lowkey_core.content import digests_of
from lowkey_core.faces.alignment import warp
from lowkey_core.faces.detection import cut, detect, find
from lowkey_core.photos.decoding import Pixels, encode_pixels
from lowkey_core.photos.images import from_pixels, to_pixels
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.recognisers.dlib import CHIP as DLIB
from lowkey_core.recognisers.facenet import CHIP as FACENET
from lowkey_core.types import ARCFACE
from lowkey_core.work.work import Work


@pytest.fixture(scope="module")
def portrait(astronaut: torch.Tensor) -> Pixels:
    return to_pixels(astronaut)


def test_finds_the_astronauts_face(portrait: Pixels) -> None:
    (frame,) = detect(portrait)
    x, y = frame.landmarks.mean(0).tolist()
    left, top, right, bottom = frame.box.tolist()
    assert 190 < x < 260
    assert 80 < y < 150
    assert left < x < right
    assert top < y < bottom
    assert frame.size == (512, 512)


@pytest.mark.parametrize("side", [8, 100])
def test_nobody_is_found_where_nobody_is(side: int) -> None:
    assert detect(np.full((side, side, 3), 128, np.uint8)) == []


def test_a_large_photo_is_searched_in_a_smaller_copy(portrait: Pixels) -> None:
    """The face of a photo of 9 megapixels is where it was, six times as far out."""
    (small,), (large,) = detect(portrait), detect(enlarged(portrait, 6))
    assert torch.allclose((large.landmarks + 0.5) / 6 - 0.5, small.landmarks, atol=2)
    assert torch.allclose(large.box / 6, small.box, atol=3)


def test_two_people_are_both_found_the_larger_first(portrait: Pixels) -> None:
    two = np.zeros((512, 1024, 3), np.uint8)
    two[:, 512:] = portrait
    two[:256, :256] = np.array(Image.fromarray(portrait).resize((256, 256)))
    first, second = (frame.landmarks.mean(0) for frame in detect(two))
    assert first[0] > 512 > second[0]


def test_the_part_that_is_seen_is_enough(portrait: Pixels) -> None:
    for template in (ARCFACE, DLIB, FACENET):
        face = detect(portrait)[0].to(template)
        whole = warp(from_pixels(portrait), face[None], template.size)[0]
        assert torch.allclose(cut(portrait, face, template.size) / 255, whole, atol=0.51 / 255)


def test_what_cannot_be_read_has_a_reason_and_no_faces(portrait: Pixels, tmp_path: Path) -> None:
    good, bad, absent = (tmp_path / name for name in ("good.png", "bad.png", "absent.png"))
    good.write_bytes(encode_pixels(portrait, "PNG"))
    bad.write_bytes(b"no picture")
    found = find([Photo("", p.name, p) for p in (good, bad, absent)], Work())
    assert [len(f.frames) for f in found] == [1, 0, 0]
    assert [f.lost for f in found] == [None, "not a picture", "unreadable"]
    (frame,) = found[0].frames
    shown = cut(portrait, frame.to(ARCFACE))
    assert (frame.size, found[0].shows) == ((512, 512), digests_of(shown[None] / 255)[0])
    assert found[0].content == digest_of(good.read_bytes())


def enlarged(pixels: Pixels, times: int) -> Pixels:
    height, width = pixels.shape[:2]
    return np.array(Image.fromarray(pixels).resize((width * times, height * times)))
