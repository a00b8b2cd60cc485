"""Where a copy goes, and which file is the copy of what."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lowkey_core.errors import DatasetError, OptionError
from lowkey_core.photos.photo import Photo
from lowkey_core.publish.copies import PREVIEWS, Copies, sources


def files(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def copied(root: Path, out: Path, suffix: str = ".png") -> dict[str, str]:
    return {photo.name: copy for photo, copy in sources([root], out, suffix)}


def test_a_tree_is_mirrored(tmp_path: Path) -> None:
    root = files(tmp_path / "in", "a.jpg", "b/c.PNG", "b/d/e.jpeg", "notes.txt", ".hidden.png")
    assert copied(root, tmp_path / "out") == {
        "a.jpg": "a.png",
        "b/c.PNG": "b/c.png",
        "b/d/e.jpeg": "b/d/e.png",
    }


def test_two_photos_of_one_stem_have_two_copies(tmp_path: Path) -> None:
    root = files(tmp_path / "in", "a.jpg", "a.png", "A.jpeg", "b.jpg")
    assert copied(root, tmp_path / "out") == {
        "a.jpg": "a.jpg.png",
        "a.png": "a.png.png",
        "A.jpeg": "A.jpeg.png",
        "b.jpg": "b.png",
    }


def test_a_name_made_longer_is_nobody_elses_either(tmp_path: Path) -> None:
    root = files(tmp_path / "in", "a.jpg", "a.png", "a.jpg.webp")
    assert copied(root, tmp_path / "out") == {
        "a.jpg": "a.jpg.png",
        "a.png": "a.png.png",
        "a.jpg.webp": "a.jpg.webp.png",
    }


def test_the_output_folder_is_no_source(tmp_path: Path) -> None:
    root = files(tmp_path / "in", "a.jpg", "out/a.png")
    assert copied(root, root / "out") == {"a.jpg": "a.png"}
    for holding in (root, root.parent):
        with pytest.raises(OptionError, match="--out"):
            sources([root], holding, ".png")


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    root = files(tmp_path / "in", "a.jpg")
    (root / "around").symlink_to(root)
    assert copied(root, tmp_path / "out") == {"a.jpg": "a.png"}


def test_nothing_to_do_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no pictures"):
        sources([files(tmp_path / "in", "notes.txt")], tmp_path / "out", ".png")
    with pytest.raises(OptionError, match="does not exist"):
        sources([tmp_path / "nowhere"], tmp_path / "out", ".png")


def test_two_photos_of_one_name_are_refused(tmp_path: Path) -> None:
    root = files(tmp_path, "one/a.jpg", "two/a.jpg")
    with pytest.raises(OptionError, match="name of two photos"):
        sources([root / "one", root / "two"], tmp_path / "out", ".png")


NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=60
).filter(lambda name: name[0] != "." and len(name.encode()) < 240)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.lists(NAMES, min_size=1, max_size=3))
def test_no_name_leads_out_of_the_output_folder(tmp_path: Path, names: list[str]) -> None:
    folder = Path(os.path.realpath(tmp_path)) / "in" / str(abs(hash(tuple(names))))
    root = files(folder, "/".join([*names, "..jpg"]), "/".join([*names[:-1], names[-1] + ".jpg"]))
    found = sources([root], tmp_path / "out", ".png")
    assert len({copy for _, copy in found}) == len(found)
    for photo, copy in found:
        assert photo.path.is_file()
        assert ".." not in PurePosixPath(copy).parts
        assert (tmp_path / "out" / copy).resolve().is_relative_to((tmp_path / "out").resolve())


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
    matched = copies.match([photo(name), *ANN[1:]])
    assert matched[name] == tmp_path / copy
    assert len(matched) == 3


def test_the_same_name_in_another_persons_folder_is_another_picture(tmp_path: Path) -> None:
    ben, cid = photo("Ben/1.jpg"), photo("Cid/1.jpg")
    copies = Copies(files(tmp_path, "Ann/1.png", "Ben/1.png"))
    matched = copies.match([ANN[0], ben, cid, photo("1.jpg", identity="Dot")])
    assert matched == {"Ann/1.jpg": tmp_path / "Ann/1.png", "Ben/1.jpg": tmp_path / "Ben/1.png"}


def test_one_persons_only_copy_is_nobody_elses(tmp_path: Path) -> None:
    copies = Copies(files(tmp_path, "Ann/1.png"))
    assert copies.match([photo("Ben/1.jpg"), photo("Cid/1.jpg")]) == {}


def test_people_known_by_identity_alone_have_folders_of_copies(tmp_path: Path) -> None:
    copies = Copies(files(tmp_path, "Ann/1.png", "Ben/2.png"))
    photos = [photo("1.jpg", identity="Ann"), photo("2.jpg", identity="Ann")]
    assert copies.match(photos) == {"1.jpg": tmp_path / "Ann/1.png"}


def test_a_loose_copy_is_of_the_only_photo_of_its_name(tmp_path: Path) -> None:
    copies = Copies(files(tmp_path, "1.png", "2.png"))
    photos = [photo("Ann/1.jpg"), photo("Ann/2.jpg"), photo("Ben/2.jpg")]
    assert copies.match(photos) == {"Ann/1.jpg": tmp_path / "1.png"}


def test_previews_are_no_copies(tmp_path: Path) -> None:
    copies = Copies(files(tmp_path, "Ann/1.png", f"{PREVIEWS}/Ann/1.png.png"))
    assert copies.match([photo("Ann/1.png")]) == {"Ann/1.png": tmp_path / "Ann/1.png"}


def test_copies_beside_the_photos_are_not_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = files(tmp_path, "Ann/1.jpg", "Ann/1_cloaked.jpg", "Ann/2.jpg")
    photos = [photo(n, "Ann", root) for n in ("Ann/1.jpg", "Ann/1_cloaked.jpg", "Ann/2.jpg")]
    copies = Copies(root)
    assert copies.originals(photos) == (photos[0], photos[2])
    monkeypatch.chdir(root.parent)
    for folder in (root, Path(root.name)):
        matched = Copies(folder).match(copies.originals(photos))
        assert matched == {"Ann/1.jpg": root / "Ann/1_cloaked.jpg"}, "none is its own copy"


def test_a_folder_of_copies_within_the_data_set_holds_no_photos(tmp_path: Path) -> None:
    root = files(tmp_path, "Ann/1.jpg", "copies/Ann/1.jpg")
    photos = [photo("Ann/1.jpg", "Ann", root), photo("copies/Ann/1.jpg", "copies", root)]
    assert Copies(root / "copies").originals(photos) == (photos[0],)


def test_a_missing_folder_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not a folder"):
        Copies(tmp_path / "nowhere").match([photo("1.jpg")])
