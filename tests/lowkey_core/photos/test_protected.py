"""The ledger of `protect` says whose copy a file is, whatever photos and folders are called."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

from lowkey_core.photos.copies import Copies
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.photos.protected import NAME, Outcome, copies_among, read, source_of


def protected(folder: Path, out: Path) -> list[Photo]:
    """The photos in a folder, with copies of other names in `out`, as its ledger says."""
    photos, lines = [], []
    out.mkdir(exist_ok=True)
    for number, path in enumerate(sorted(folder.iterdir())):
        photo = Photo("Ann", f"Ann/{path.name}", path)
        copy = f"copy {number}.png"
        (out / copy).write_bytes(b"cloaked " + path.read_bytes())
        lines.append(
            Outcome(
                path.name,
                "protected",
                copy=copy,
                source=source_of(photo),
                photo=digest_of(path.read_bytes()),
                files={copy: digest_of((out / copy).read_bytes())},
            )
        )
        photos.append(photo)
    written = (json.dumps(dataclasses.asdict(line), sort_keys=True) for line in lines)
    (out / NAME).write_text("".join(f"{line}\n" for line in written))
    assert read(out) == lines
    return photos


def folder_of(root: Path, *contents: bytes) -> Path:
    (root / "photos").mkdir()
    for number, content in enumerate(contents):
        (root / "photos" / f"{number}.jpg").write_bytes(content)
    return root / "photos"


def test_the_ledger_knows_copies_of_any_name(tmp_path: Path) -> None:
    photos = protected(folder_of(tmp_path, b"one", b"two"), tmp_path / "out")
    found = Copies(tmp_path / "out").match(photos)
    assert found.files == {
        "Ann/0.jpg": tmp_path / "out/copy 0.png",
        "Ann/1.jpg": tmp_path / "out/copy 1.png",
    }
    assert set(found.how.values()) == {"ledger"}
    assert not found.missing
    assert not found.strays


def test_photos_that_were_moved_and_renamed_keep_their_copies(tmp_path: Path) -> None:
    protected(folder_of(tmp_path, b"one", b"two"), tmp_path / "out")
    (tmp_path / "photos" / "0.jpg").rename(tmp_path / "holiday.jpg")
    moved = Photo("Ann", "Ann/holiday.jpg", tmp_path / "holiday.jpg")
    assert Copies(tmp_path / "out").match([moved]).files == {
        "Ann/holiday.jpg": tmp_path / "out/copy 0.png"
    }


def test_photos_that_are_the_same_have_each_its_own_copy(tmp_path: Path) -> None:
    photos = protected(folder_of(tmp_path, b"one", b"one"), tmp_path / "out")
    found = Copies(tmp_path / "out").match(photos[::-1]).files
    assert {name: path.name for name, path in found.items()} == {
        "Ann/1.jpg": "copy 1.png",
        "Ann/0.jpg": "copy 0.png",
    }


def test_a_photo_or_a_copy_that_is_not_what_it_was_is_not_the_ledgers(tmp_path: Path) -> None:
    photos = protected(folder_of(tmp_path, b"one", b"two"), tmp_path / "out")
    photos[0].path.write_bytes(b"another")
    (tmp_path / "out" / "copy 1.png").write_bytes(b"painted over")
    found = Copies(tmp_path / "out").match(photos)
    assert found.files == {}
    assert set(found.strays.values()) == {"no photo of its name"}


def test_somebody_elses_file_of_that_name_is_passed_over(tmp_path: Path) -> None:
    photos = protected(folder_of(tmp_path, b"one"), tmp_path / "out")
    for content in (b"my notes\n", b'{"copy": ' + b"[" * 30_000):
        (tmp_path / "out" / NAME).write_bytes(content)
        assert Copies(tmp_path / "out").match(photos).files == {}
    (tmp_path / "out" / NAME).unlink()
    os.mkfifo(tmp_path / "out" / NAME)
    assert Copies(tmp_path / "out").match(photos).files == {}


def test_copies_that_protect_wrote_are_known_among_photos(tmp_path: Path) -> None:
    photos = protected(folder_of(tmp_path, b"one", b"two"), tmp_path / "out")
    copies = [Photo("", p.name, p) for p in sorted((tmp_path / "out").glob("*.png"))]
    copies[1].path.write_bytes(b"painted over")
    assert [*copies_among([*photos, *copies])] == copies[:1]
