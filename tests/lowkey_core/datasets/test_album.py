"""Photos of one's own: whose they are, and which of them are of use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from lowkey_core import datasets
from lowkey_core.datasets import Dataset
from lowkey_core.errors import DatasetError, StorageError
from lowkey_core.faces import detection
from lowkey_core.faces.frames import Frame
from lowkey_core.photos.images import encode
from lowkey_core.spec import Spec
from lowkey_core.types import Pixels
from tests.conftest import whole

FACELESS = 90
"""Side of pictures in which no face is found."""


@pytest.fixture(autouse=True)
def _found_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    def detect_all(photos: Sequence[Pixels]) -> list[list[Frame]]:
        return [[] if len(pixels) == FACELESS else whole(pixels) for pixels in photos]

    monkeypatch.setattr(detection, "detect_all", detect_all)


def photo(seed: int, side: int = 112) -> bytes:
    rng = torch.Generator().manual_seed(seed)
    return encode(torch.rand(1, 3, side, side, generator=rng), "PNG")


def make(root: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(photo(seed))
    return root


def album(root: Path) -> Dataset:
    return datasets.load(str(Spec("album", str(root))))


def test_loose_photos_are_of_one_person_who_is_called_as_the_folder_is(tmp_path: Path) -> None:
    found = album(make(tmp_path / "Ada L.", "1.png", "2.png", "3.png"))
    assert {who: len(photos) for who, photos in found.by_identity.items()} == {"Ada L.": 3}
    assert not found.notes


def test_without_loose_photos_every_sub_folder_is_a_person(tmp_path: Path) -> None:
    found = album(make(tmp_path, "Ada/1.png", "Ada/2.png", "Bob/1.png"))
    assert {who: len(photos) for who, photos in found.by_identity.items()} == {"Ada": 2, "Bob": 1}


def test_beside_loose_photos_sub_folders_take_no_part_and_that_is_said(tmp_path: Path) -> None:
    found = album(make(tmp_path / "me", "1.png", "2.png", "cloaked/1.png"))
    assert [p.name for p in found.photos] == ["1.png", "2.png"]
    (note,) = found.notes
    assert note.startswith("1 pictures in sub-folders")


def test_what_is_of_no_use_is_left_out_and_named(tmp_path: Path) -> None:
    root = make(tmp_path / "me", "a.png", "b.png", "b_cloaked.png")
    (root / "again.png").write_bytes((root / "b.png").read_bytes())
    (root / "beach.png").write_bytes(photo(9, FACELESS))
    (root / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    found = album(root)
    assert [p.name for p in found.photos] == ["a.png", "again.png"], "the first of two that are one"
    assert set(found.notes) == {
        "1 of the pictures are called as cloaked copies are: b_cloaked.png.",
        "1 of the pictures show no face: beach.png.",
        "1 of the pictures show the same as another: b.png.",
        "1 of the pictures cannot be used (damaged): cut.jpg.",
    }


def test_a_folder_without_a_face_is_an_error_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "beach.png").write_bytes(photo(9, FACELESS))
    with pytest.raises(DatasetError, match=r"show no face: beach\.png"):
        album(tmp_path)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises((DatasetError, StorageError)):
        album(tmp_path / "nowhere")
