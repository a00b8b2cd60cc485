"""Faces in photographs, and none where there are none."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image

from lowkey_core import datasets
from lowkey_core.faces.alignment import warp
from lowkey_core.faces.detection import TOGETHER, cut, detect, detect_all, found_in, lies
from lowkey_core.faces.frames import Frame
from lowkey_core.photos.decoding import Pixels, decode_pixels
from lowkey_core.photos.images import from_pixels, to_pixels
from lowkey_core.recognisers.dlib import CHIP as DLIB
from lowkey_core.recognisers.facenet import CHIP as FACENET
from lowkey_core.types import ARCFACE


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


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photo_on_its_side_or_head_has_its_face(portrait: Pixels, quarters: int) -> None:
    """Where it was, for whoever turns the photo back."""
    wide = np.concatenate([portrait, portrait[:, :80]], 1)
    (upright,) = detect(wide)
    turned = np.ascontiguousarray(np.rot90(wide, -quarters))
    (found,) = detect(turned)
    assert found.size == turned.shape[:2]
    same = torch.allclose(
        cut(turned, found.to(ARCFACE)) / 255, cut(wide, upright.to(ARCFACE)) / 255, atol=0.1
    )
    assert same


@pytest.mark.parametrize(
    ("upright", "turned", "is_turned"),
    [
        (0.0, 0.96, True),
        (0.0, 0.94, False),
        (0.9, 0.96, True),
        (0.96, 0.9995, True),
        (0.96, 0.998, False),
        (0.996, 1.0, False),
    ],
)
def test_a_face_in_a_turned_copy_must_be_surer_the_surer_the_upright_one_is(
    upright: float, turned: float, is_turned: bool
) -> None:
    assert lies(upright, turned) == is_turned


@pytest.mark.faces
def test_a_photo_that_stands_is_not_turned_for_a_slightly_surer_face() -> None:
    """MTCNN is sure of this face to 0.991, and to 0.997 of one in the photo turned by 270."""
    (photo,) = (
        p for p in datasets.load("lfw").photos if p.name.endswith("George_HW_Bush_0002.jpg")
    )
    left, right, nose, *_ = detect(decode_pixels(photo.read(), photo.name))[0].landmarks
    assert left[0] < right[0]
    assert max(left[1], right[1]) < nose[1]


def test_a_frame_turned_back_is_where_numpy_turns_its_pixels() -> None:
    pixels = np.zeros((30, 50), np.uint8)
    pixels[7, 11] = 1
    box = torch.tensor([11.0, 7, 12, 8])
    for quarters in (1, 2, 3):
        turned = np.rot90(pixels, quarters)
        y, x = (int(v[0]) for v in turned.nonzero())
        frame = Frame.at(
            turned.shape, torch.tensor([[x, y]] * 5).float(), torch.tensor([x, y, x + 1, y + 1])
        )
        back = frame.turned_back(quarters)
        assert (back.size, back.landmarks.tolist()) == ((30, 50), [[11, 7]] * 5)
        assert torch.equal(back.box, box)


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


def test_photos_of_one_size_are_looked_at_together(portrait: Pixels) -> None:
    """Nothing changes for any of them: landmarks and boxes within a tenth of a pixel."""
    nobody = np.full_like(portrait, 128)
    wide = np.concatenate([portrait, portrait], 1)
    photos = [portrait, nobody, wide, portrait[:, ::-1].copy(), np.zeros((8, 8, 3), np.uint8)]
    found = detect_all(photos)
    assert [len(frames) for frames in found] == [1, 0, 2, 1, 0]
    for photo, frames in zip(photos, found, strict=True):
        for ours, alone in zip(frames, detect(photo), strict=True):
            assert torch.allclose(ours.landmarks, alone.landmarks, atol=0.1)
            assert torch.allclose(ours.box, alone.box, atol=0.1)


@pytest.mark.parametrize(("side", "most"), [(50, TOGETHER), (1500, 1), (1300, 2)])
def test_no_more_photos_wait_in_memory_than_are_looked_at_together(side: int, most: int) -> None:
    waiting, largest = 0, 0

    def photos() -> Iterator[tuple[int, Pixels]]:
        nonlocal waiting, largest
        for number in range(20 if side == 50 else 4):
            waiting += 1
            largest = max(largest, waiting)
            yield number, np.full((side, side, 3), 128, np.uint8)

    numbers = []
    for number, _, frames in found_in(photos()):
        waiting -= 1
        numbers.append(number)
        assert frames == []
    assert numbers == list(range(len(numbers)))
    assert largest <= most + 1  # the next one was read before it was known to be too many


def enlarged(pixels: Pixels, times: int) -> Pixels:
    height, width = pixels.shape[:2]
    return np.array(Image.fromarray(pixels).resize((width * times, height * times)))


@pytest.mark.faces
def test_of_boxes_that_are_as_sure_the_same_is_taken_among_other_photos() -> None:
    """MTCNN is as sure of several boxes of these faces, to the last bit."""
    photos = {p.name: p for p in datasets.load("lfw").photos}
    tied = ("Conchita_Martinez_0003", "Anders_Ebbeson_0002", "Michael_Bloomberg_0020")
    names = [f"{name}.jpg" for name in tied]
    crowd = [name for name in photos if name not in names][: TOGETHER - len(names)]
    pixels = [decode_pixels(photos[name].read()) for name in crowd + names]
    for alone, among in zip(pixels[-len(names) :], detect_all(pixels)[-len(names) :], strict=True):
        (one,) = detect(alone)
        assert torch.allclose(one.landmarks, among[0].landmarks, atol=0.01)
