"""One odd file has a line of its own, and spoils nobody else's copy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lowkey_core.errors import StorageError
from lowkey_core.faces import detection
from lowkey_core.faces.frames import Frame
from lowkey_core.photos.decoding import Pixels, decode_pixels, encode_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.photos.protected import NAME
from lowkey_core.publish import made
from lowkey_core.publish.sources import sources
from lowkey_core.work.files import PART
from tests.lowkey_core.publish.copying import PHOTO, pretend, run, tree, twice, two_faces_or_none


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return twice(tmp_path / "photos")


@pytest.fixture(autouse=True)
def _somebody(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "real_detector" not in request.fixturenames:
        pretend(monkeypatch)


@pytest.fixture
def real_detector() -> None:
    """Faces are looked for, not made up."""


@pytest.mark.parametrize("shape", [(3300, 1), (1, 3300), (1, 1), (20, 30_000)])
def test_a_picture_of_any_shape_has_no_face_at_worst(
    folder: Path, tmp_path: Path, real_detector: None, shape: tuple[int, int]
) -> None:
    (folder / "m.png").write_bytes(encode_pixels(np.full((*shape, 3), 90, np.uint8), "PNG"))
    assert {o.status for o in run(folder, tmp_path / "out").values()} == {"no face"}


def test_a_photo_on_which_the_detector_fails_spoils_no_other(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "m.png").write_bytes(encode_pixels(PHOTO[:13], "PNG"))

    def fails(photos: Sequence[Pixels]) -> list[list[Frame]]:
        if any(len(pixels) == 13 for pixels in photos):
            raise ValueError("no room for that")
        return two_faces_or_none(photos)

    monkeypatch.setattr(detection, "detect_all", fails)
    outcomes = run(folder, tmp_path / "out")
    assert [o.status for o in outcomes.values()] == ["protected", "unreadable", "protected"]
    assert outcomes["m.png"].detail == "not searched"


def test_a_face_that_cannot_be_carried_back_spoils_no_other(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "m.png").write_bytes(encode_pixels(PHOTO[:200], "PNG"))
    retouched = made.retouched

    def fails(pixels: Pixels, *rest: object) -> Pixels:
        if len(pixels) == 200:
            raise RuntimeError("singular")
        return retouched(pixels, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(made, "retouched", fails)
    outcomes = run(folder, tmp_path / "out")
    assert [o.status for o in outcomes.values()] == ["protected", "not written", "protected"]
    assert outcomes["m.png"].detail == "RuntimeError: singular"


def test_a_link_to_itself_spoils_no_other(folder: Path, tmp_path: Path) -> None:
    (folder / "m.jpg").symlink_to(folder / "m.jpg")
    outcomes = run(folder, tmp_path / "out")
    (refused,) = sources([folder], tmp_path / "out").refused
    assert (refused.name, refused.detail) == ("m.jpg", "a link that leads to itself")
    assert {o.status for o in outcomes.values()} == {"protected"}


def test_a_fifo_called_a_picture_spoils_no_other(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / "m.jpg")
    outcomes = run(folder, tmp_path / "out")
    assert "not a regular file" in outcomes.pop("m.jpg").detail
    assert {o.status for o in outcomes.values()} == {"protected"}


@pytest.mark.parametrize("moment", [2, 3])
def test_a_photo_that_changes_under_way_is_not_copied(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """It is read to know it, to look for faces, to cut them out, to write the copy."""
    other, reads, read = encode_pixels(PHOTO[:, ::-1], "PNG"), [0], Photo.read

    def changes(photo: Photo) -> bytes:
        content = read(photo)
        if photo.name == "a.png":
            reads[0] += 1
            if reads[0] > moment + 1:
                return other
        return content

    monkeypatch.setattr(Photo, "read", changes)
    outcomes = run(folder, tmp_path / "out")
    assert [o.status for o in outcomes.values()] == ["unreadable", "protected"]
    assert "changed" in outcomes["a.png"].detail
    assert not (tmp_path / "out" / "a.png").exists()


@pytest.mark.parametrize("name", ["a.png", f"{PART}0123"])
def test_a_fifo_in_the_output_folder_is_left_alone(folder: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    os.mkfifo(out / name)
    outcomes = run(folder, out)
    assert outcomes["z.png"].status == "protected"
    assert outcomes["a.png"].status == ("not written" if name == "a.png" else "protected")
    assert (out / name).is_fifo()


def test_a_fifo_in_place_of_the_ledger_is_said_so(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    os.mkfifo(out / NAME)
    with pytest.raises(StorageError, match="not written by `protect`"):
        run(folder, out)
    assert list(tree(out)) == []


def test_whole_copies_are_pictures(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "out")
    assert decode_pixels((tmp_path / "out" / "a.png").read_bytes()).shape == PHOTO.shape
