"""Photos are looked at a second time, and copies too: what is missed and what is lost is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from lowkey_core.faces import detection
from lowkey_core.faces.frames import Frame
from lowkey_core.photos.decoding import encode_pixels
from lowkey_core.types import Pixels
from tests.conftest import frame_at
from tests.lowkey_core.publish.copying import PHOTO, SEEN, WARPS, pretend, run, two_faces_or_none

ELSEWHERE = torch.tensor([[2.0, 0, -600], [0, 2, -300]])
"""A small face right of the others."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two faces are in `a.png`, nobody is in `black.png`."""
    pretend(monkeypatch)
    root = tmp_path / "photos"
    root.mkdir()
    (root / "a.png").write_bytes(encode_pixels(PHOTO, "PNG"))
    (root / "black.png").write_bytes(encode_pixels(np.zeros_like(PHOTO), "PNG"))
    return root


def finds(*warps: torch.Tensor) -> object:
    """In place of `detect_smaller`: these faces in every photo."""

    def detect(photos: Sequence[Pixels]) -> list[list[Frame]]:
        return [[frame_at(warp, pixels.shape[:2]) for warp in warps] for pixels in photos]

    return detect


def test_a_face_that_only_a_second_look_finds_is_counted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "detect_smaller", finds(*WARPS, ELSEWHERE))
    found = run(folder, tmp_path / "out")
    assert {name: (o.status, o.more) for name, o in found.items()} == {
        "a.png": ("protected", 1),
        "black.png": ("no face", 3),
    }


def test_a_face_that_both_looks_find_is_not(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that is not to be cloaked, and one whose box is a little off."""
    near = WARPS[0] + torch.tensor([[0.0, 0, 9], [0, 0, 9]])
    monkeypatch.setattr(detection, "detect_smaller", finds(near, WARPS[1]))
    assert run(folder, tmp_path / "out", faces="largest")["a.png"].more == 0


def test_whether_a_copys_faces_are_still_found_is_counted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The detector is one that is blind to a face which is brighter than it was."""
    before = PHOTO[SEEN[0]].mean()

    def some(photos: Sequence[Pixels]) -> list[list[Frame]]:
        kept = two_faces_or_none(photos)
        for pixels, frames in zip(photos, kept, strict=True):
            if frames and pixels[SEEN[0]].mean() > before + 9:
                del frames[0]
        return kept

    assert run(folder, tmp_path / "both")["a.png"].seen == 2
    monkeypatch.setattr(detection, "detect_all", some)
    assert run(folder, tmp_path / "one")["a.png"].seen == 1


def test_a_copy_of_a_copy_and_one_that_changes_nothing_are_said_so(
    folder: Path, tmp_path: Path
) -> None:
    assert run(folder, tmp_path / "once")["a.png"].detail == ""
    again = run(tmp_path / "once", tmp_path / "twice")["a.png"]
    assert again.detail == "it was a copy that `protect` wrote"
    same = run(folder, tmp_path / "same", strength=0.0)["a.png"]
    assert same.detail == "the cloak changed nothing"
