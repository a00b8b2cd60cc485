"""Which file is the cloaked copy of which photo."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lowkey_core.errors import DatasetError
from lowkey_core.photos.copies import Copies
from lowkey_core.photos.folders import PREVIEWS
from lowkey_core.photos.photo import Photo
from tests.lowkey_core.photos.picture_files import FILES, files


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
        ("Ann/1.jpg", "Ann/1-glazed-intensity-50-render-quality-2.png"),  # Glaze
        ("Ann/1.jpg", "Ann/1 (1).png"),  # fetched twice
        ("Ann/1.jpg", "Ann/1 - Copy.png"),
        ("Ann/1.jpg", "Ann/1_cloaked (2).png"),
        ("Ann/1.jpg", "Ann/cloaked_1.png"),
        ("Ann/1.jpg", "Ann/Copy of 1.png"),
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


def test_a_photos_own_name_is_not_taken_for_a_mark(tmp_path: Path) -> None:
    photos = [photo("Ann/1.jpg"), photo("Ann/1 (1).jpg"), photo("Ann/cloaked_2.jpg")]
    names = ("Ann/1.png", "Ann/1 (1).png", "Ann/cloaked_2.png")
    matched = Copies(files(tmp_path, *names)).match(photos).files
    assert matched == {p.name: tmp_path / n for p, n in zip(photos, names, strict=True)}


def test_of_several_names_a_tools_mark_counts_most_then_the_photos_own_name(
    tmp_path: Path,
) -> None:
    both = Copies(files(tmp_path, "Ann/1.png", "Ann/1_cloaked.png", "Ann/2.png", "Ann/2 (1).png"))
    assert both.match(ANN[:2]).files == {
        "Ann/1.jpg": tmp_path / "Ann/1_cloaked.png",
        "Ann/2.jpg": tmp_path / "Ann/2.png",
    }


def test_of_a_copy_in_two_formats_the_one_that_was_asked_for_is_taken_or_the_newer(
    tmp_path: Path,
) -> None:
    for name, content in (("1.png", FILES["png"]), ("1.jpg", FILES["jpeg"])):
        (tmp_path / name).write_bytes(content)
    os.utime(tmp_path / "1.png", (1000, 1000))
    asked = Copies(tmp_path, "PNG").match([ANN[0]])
    assert asked.files == {"Ann/1.jpg": tmp_path / "1.png"}
    assert asked.notes == ("Ann/1.jpg: of 1.jpg, 1.png the PNG file was taken",)
    newer = Copies(tmp_path).match([ANN[0]])
    assert newer.files == {"Ann/1.jpg": tmp_path / "1.jpg"}
    assert newer.notes == ("Ann/1.jpg: of 1.jpg, 1.png the newer was taken, 1.jpg",)
    os.utime(tmp_path / "1.jpg", (1000, 1000))
    assert Copies(tmp_path).match([ANN[0]]).missing == {
        "Ann/1.jpg": "several copies of one age: 1.jpg, 1.png"
    }


def test_what_is_not_matched_has_a_reason(tmp_path: Path) -> None:
    names = ("Ann/1_cloaked.png", "Ann/1_attacked.png", "Ann/9.png", "2.png")
    found = Copies(files(tmp_path, *names)).match([*ANN, photo("Ben/2.jpg")])
    assert found.files == {}
    assert found.missing == {
        "Ann/1.jpg": "several copies: Ann/1_attacked.png, Ann/1_cloaked.png",
        "Ann/2.jpg": "no file of its name",
        "Ben/10.jpg": "no file of its name",
        "Ben/2.jpg": "no file of its name",
    }
    taken = "another file is taken for its photo, or several photos have its name"
    assert found.strays == {
        tmp_path / "Ann/1_cloaked.png": taken,
        tmp_path / "Ann/1_attacked.png": taken,
        tmp_path / "Ann/9.png": "no photo of its name",
        tmp_path / "2.png": taken,
    }


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
