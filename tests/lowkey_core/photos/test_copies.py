"""Which file is the cloaked copy of which photo."""

from __future__ import annotations

from pathlib import Path

import pytest

from lowkey_core.errors import DatasetError
from lowkey_core.photos.copies import Copies
from lowkey_core.photos.folders import PREVIEWS
from lowkey_core.photos.photo import Photo
from tests.lowkey_core.photos.picture_files import files


def photo(name: str, identity: str = "", root: Path = Path("/nowhere")) -> Photo:
    return Photo(identity, name, root / name)


ANN = (photo("Ann/1.jpg"), photo("Ann/2.jpg"), photo("Ben/10.jpg"))


@pytest.mark.parametrize(
    ("name", "copy"),
    [
        ("Ann/1.jpg", "Ann/1.png"),
        ("Ann/1.jpg", "Ann/1.jpg"),
        ("Ann/1.jpg", "Ann/1_cloaked.png"),  # Fawkes 1.0
        ("Ann/1.jpg", "Ann/1_high_cloaked.png"),  # Fawkes 0.3
        ("Ann/1.jpg", "Ann/1_attacked.png"),  # LowKey
        ("Ann/1.jpg", "Ann/1.jpg.png"),  # ours, where two photos share a stem
        ("Ann/face/1.jpg", "Ann/1.png"),
        ("Ann/face/1.jpg", "1_cloaked.png"),
        ("actors/Ann/face/1.jpg", "Ann/face/1.png"),
    ],
)
def test_a_copy_is_found_by_name(tmp_path: Path, name: str, copy: str) -> None:
    copies = Copies(files(tmp_path, copy, "Ann/2.png", "Ben/10.png"))
    matched = copies.match([photo(name), *ANN[1:]]).files
    assert matched[name] == tmp_path / copy
    assert len(matched) == 3


def test_the_same_name_in_another_persons_folder_is_another_picture(tmp_path: Path) -> None:
    ben, cid = photo("Ben/1.jpg"), photo("Cid/1.jpg")
    copies = Copies(files(tmp_path, "Ann/1.png", "Ben/1.png"))
    matched = copies.match([ANN[0], ben, cid, photo("1.jpg", identity="Dot")]).files
    assert matched == {"Ann/1.jpg": tmp_path / "Ann/1.png", "Ben/1.jpg": tmp_path / "Ben/1.png"}


def test_one_persons_only_copy_is_nobody_elses(tmp_path: Path) -> None:
    copies = Copies(files(tmp_path, "Ann/1.png"))
    assert copies.match([photo("Ben/1.jpg"), photo("Cid/1.jpg")]).files == {}


def test_people_known_by_identity_alone_have_folders_of_copies(tmp_path: Path) -> None:
    copies = Copies(files(tmp_path, "Ann/1.png", "Ben/2.png"))
    photos = [photo("1.jpg", identity="Ann"), photo("2.jpg", identity="Ann")]
    assert copies.match(photos).files == {"1.jpg": tmp_path / "Ann/1.png"}


def test_a_loose_copy_is_of_the_only_photo_of_its_name(tmp_path: Path) -> None:
    copies = Copies(files(tmp_path, "1.png", "2.png"))
    photos = [photo("Ann/1.jpg"), photo("Ann/2.jpg"), photo("Ben/2.jpg")]
    assert copies.match(photos).files == {"Ann/1.jpg": tmp_path / "1.png"}


def test_previews_are_no_copies(tmp_path: Path) -> None:
    copies = Copies(files(tmp_path, "Ann/1.png", f"{PREVIEWS}/Ann/1.png.png"))
    assert copies.match([photo("Ann/1.png")]).files == {"Ann/1.png": tmp_path / "Ann/1.png"}


def test_copies_beside_the_photos_are_not_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = files(tmp_path, "Ann/1.jpg", "Ann/1_cloaked.jpg", "Ann/2.jpg")
    photos = [photo(n, "Ann", root) for n in ("Ann/1.jpg", "Ann/1_cloaked.jpg", "Ann/2.jpg")]
    copies = Copies(root)
    assert copies.originals(photos) == (photos[0], photos[2])
    monkeypatch.chdir(root.parent)
    for folder in (root, Path(root.name)):
        matched = Copies(folder).match(copies.originals(photos)).files
        assert matched == {"Ann/1.jpg": root / "Ann/1_cloaked.jpg"}, "none is its own copy"


def test_a_folder_of_copies_within_the_data_set_holds_no_photos(tmp_path: Path) -> None:
    root = files(tmp_path, "Ann/1.jpg", "copies/Ann/1.jpg")
    photos = [photo("Ann/1.jpg", "Ann", root), photo("copies/Ann/1.jpg", "copies", root)]
    assert Copies(root / "copies").originals(photos) == (photos[0],)


def test_a_missing_folder_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not a folder"):
        Copies(tmp_path / "nowhere").match([photo("1.jpg")])
