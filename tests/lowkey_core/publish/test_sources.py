"""Where the copy of every photo goes."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lowkey_core.errors import DatasetError, OptionError
from lowkey_core.publish.sources import named, sources
from tests.lowkey_core.photos.picture_files import FILES, files


def copied(root: Path, out: Path, suffix: str = ".png") -> dict[str, str]:
    return {
        photo.name: copy for photo, copy in named(sources([root], out).photos, lambda _: suffix)
    }


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
        with pytest.raises(OptionError, match=r"out=.* holds"):
            sources([root], holding)


def test_every_file_is_a_photo_or_named_or_counted(tmp_path: Path) -> None:
    root = files(tmp_path / "in", "a.jpg", "b/raw.NEF", "notes.txt", ".hidden.png", ".git/c.jpg")
    (root / "photo").write_bytes(FILES["png"])
    (root / "out.jpg").symlink_to(tmp_path)
    os.mkfifo(root / "fifo")
    found = sources([root], tmp_path / "out")
    assert [photo.name for photo in found.photos] == ["a.jpg", "photo", "b/raw.NEF"]
    assert [(o.name, o.status) for o in found.refused] == [("out.jpg", "not followed")]
    assert [(o.name, o.status) for o in found.others] == [
        (name, "no picture") for name in (".hidden.png", "fifo", "notes.txt")
    ]


def test_a_link_named_by_itself_is_followed_wherever_it_leads(tmp_path: Path) -> None:
    root = files(tmp_path, "in/a.jpg")
    (root / "b.jpg").symlink_to(root / "in" / "a.jpg")
    (root / "folder").symlink_to(root / "in")
    found = sources([root / "b.jpg", root / "folder"], tmp_path / "out")
    assert [photo.name for photo in found.photos] == ["b.jpg", "a.jpg"]


def test_nothing_to_do_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no pictures"):
        sources([files(tmp_path / "in", "notes.txt")], tmp_path / "out")
    with pytest.raises(OptionError, match="does not exist"):
        sources([tmp_path / "nowhere"], tmp_path / "out")


def test_two_photos_of_one_name_are_refused(tmp_path: Path) -> None:
    root = files(tmp_path, "one/a.jpg", "two/a.jpg")
    with pytest.raises(OptionError, match="name of two photos"):
        sources([root / "one", root / "two"], tmp_path / "out")


NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=60
).filter(lambda name: name[0] != "." and len(name.encode()) < 240)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.lists(NAMES, min_size=1, max_size=3))
def test_no_name_leads_out_of_the_output_folder(tmp_path: Path, names: list[str]) -> None:
    folder = Path(os.path.realpath(tmp_path)) / "in" / str(abs(hash(tuple(names))))
    root = files(folder, "/".join([*names, "..jpg"]), "/".join([*names[:-1], names[-1] + ".jpg"]))
    found = named(sources([root], tmp_path / "out").photos, lambda _: ".png")
    assert len({copy for _, copy in found}) == len(found)
    for photo, copy in found:
        assert photo.path.is_file()
        assert ".." not in PurePosixPath(copy).parts
        assert (tmp_path / "out" / copy).resolve().is_relative_to((tmp_path / "out").resolve())
