"""Detectors of an adversary's own: dlib's chip is dlib's, and a Haar box is about the same face."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lowkey_core.errors import OptionError
from lowkey_core.faces import detectors
from lowkey_core.faces.chips import DLIB
from lowkey_core.faces.detection import cut, detect
from lowkey_core.faces.detectors import Detector, seen_by
from lowkey_core.faces.frames import Frame
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.photos.decoding import encode_pixels
from lowkey_core.photos.images import to_pixels
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.types import Pictures, Pixels
from lowkey_core.work.work import Work
from tests.conftest import whole


@pytest.fixture(scope="module")
def photo(astronaut: Tensor) -> Pixels:
    return np.ascontiguousarray(to_pixels(astronaut))


def test_dlib_s_chip_is_what_a_frame_of_its_detector_gives(photo: Pixels) -> None:
    dlib: Any = importlib.import_module("dlib")
    _, find, landmarks = detectors._dlib()
    box = max(find(photo, detectors.ENLARGED), key=lambda box: box.area())
    theirs = dlib.get_face_chip(photo, landmarks(photo, box), size=150, padding=0.25)
    chip = torch.from_numpy(theirs).permute(2, 0, 1).float()
    frame, *_ = detectors.load("dlib").find(photo)
    ours = cut(photo, frame.to(DLIB), 150).float()
    assert (ours - chip).abs().mean() < 1, "a grey level: dlib rounds down"
    assert (ours.roll(1, -1) - chip).abs().mean() > 3, "and a pixel beside it would be seen"


@pytest.mark.parametrize("name", ["dlib", "opencv"])
def test_finds_the_face_that_mtcnn_finds(name: str, photo: Pixels) -> None:
    if name == "opencv":
        pytest.importorskip("cv2")
    frame, *_ = detectors.load(name).find(photo)
    theirs = detect(photo)[0]
    assert frame.size == theirs.size == photo.shape[:2]
    assert frame.overlap(theirs) > 0.5
    width = float(theirs.box[2] - theirs.box[0])
    assert (frame.landmarks - theirs.landmarks).norm(dim=1).max() < 0.2 * width


@pytest.mark.parametrize(("name", "module"), [("dlib", "dlib"), ("opencv", "cv2")])
def test_one_without_its_package_says_how_to_install_it(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(asked: str) -> Any:
        assert asked == module
        raise ImportError(asked)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(OptionError, match=module) as refused:
        detectors.load(name)
    assert f"lowkey-audit[{name}]" in refused.value.remedy


def test_the_main_face_is_large_and_central() -> None:
    points = torch.zeros(5, 2)
    boxes = [(0, 0, 30, 30), (30, 30, 70, 70), (0, 0, 20, 90)]
    found = [(points, torch.tensor(b).float()) for b in boxes]
    frames = detectors._frames(found, (100, 100), (200, 200))
    assert [f.box[2].item() for f in frames] == [140, 40, 60], "in the photo, twice the copy's size"


def test_every_picture_is_looked_at_once(tmp_path: Path) -> None:
    """As it was, changed and transformed: each has other pixels. Nobody is in a dark one."""
    looked: list[Pixels] = []

    def find(pixels: Pixels) -> list[Frame]:
        looked.append(pixels)
        return whole(pixels) if pixels.mean() > 50 else []

    content = encode_pixels(np.full((120, 130, 3), 128, np.uint8), "PNG")
    (tmp_path / "a.png").write_bytes(content)
    (frame,) = whole(np.zeros((120, 130, 3), np.uint8))
    elsewhere = Frame.at(frame.size, frame.landmarks - 3, frame.box)
    picture = PhotoPicture(
        Photo("a", "a.png", tmp_path / "a.png"), 0, digest_of(content), elsewhere
    )
    changed = picture.changed(torch.full((3, 112, 112), 5, dtype=torch.int16))
    dark = picture.served("dark", lambda pixels: pixels // 4)
    pictures = Pictures((picture, changed, dark))
    detector, work = Detector("pretend", find, "1"), Work()
    seen = seen_by(pictures, detector, work)
    assert len(looked) == 3
    assert len({pixels.tobytes() for pixels in looked}) == 3
    assert seen.found.tolist() == [True, True, False]
    for item in seen.items[:2]:
        assert isinstance(item, PhotoPicture)
        assert item.frame is not None
        assert torch.equal(item.frame.landmarks, frame.landmarks)
    kept = seen.items[1]
    assert isinstance(kept, PhotoPicture)
    assert kept.at == elsewhere, "the cloak's change stays where it was made"
