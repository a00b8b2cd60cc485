"""Shards are read in place, and a hostile one is named with its reason."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from lowkey_core import datasets
from lowkey_core.datasets import Dataset, webdataset
from lowkey_core.errors import DatasetError, StorageError


def shard(path: Path, *members: tuple[str, bytes], mode: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def special(path: Path, kind: bytes, target: str = "") -> Path:
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("a.jpg")
        info.type, info.linkname = kind, target
        tar.addfile(info)
    return path


def read(root: Path, options: str = "") -> Dataset:
    return datasets.load(f'webdataset:"{root}"{options}')


def who(found: Dataset) -> dict[str, list[str]]:
    return {p: [photo.name for photo in photos] for p, photos in found.by_identity.items()}


def test_samples_are_read_where_they_are(tmp_path: Path) -> None:
    label = json.dumps({"label": "Bob", "url": "x"}).encode()
    shard(tmp_path / "1.tar", ("x/a.jpg", b"one"), ("x/a.cls", b"7\n"), ("b.seg.png", b"two"))
    shard(tmp_path / "2.tar", ("b.json", label), ("b.jpg", b"three"), ("b.txt", b"a caption"))
    with tarfile.open(tmp_path / "1.tar", "a") as tar:
        tar.addfile(tarfile.TarInfo("x"))
        info = tarfile.TarInfo("b.cls")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"7"))
    found = read(tmp_path)
    assert who(found) == {"7": ["1.tar/b.seg.png", "1.tar/x/a.jpg"], "Bob": ["2.tar/b.jpg"]}
    assert {photo.name: photo.read() for photo in found.photos} == {
        "1.tar/x/a.jpg": b"one",
        "1.tar/b.seg.png": b"two",
        "2.tar/b.jpg": b"three",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.tar", "2.tar"]


def test_one_shard_may_be_named_and_samples_without_label_are_nobodys(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", ("a.jpg", b"1"), ("b.jpg", b"2"), ("b.json", b'{"cls": 0}'))
    found = read(path)
    assert who(found) == {"0": ["a.tar/b.jpg"]}
    assert found.notes == ("1 pictures have no label, and belong to nobody: a.tar/a.jpg.",)


def test_without_labels_each_picture_is_a_person(tmp_path: Path) -> None:
    shard(tmp_path / "a.tar", ("a.jpg", b"1"), ("b.jpg", b"2"), ("b.json", b"no json at all"))
    assert len(read(tmp_path, ":labels=off").by_identity) == 2
    assert len(datasets.strangers(f'webdataset:"{tmp_path}":labels=off')) == 2


def test_a_name_that_climbs_is_a_name(tmp_path: Path) -> None:
    """Nothing is ever written, or read, at the path that a member's name spells."""
    outside = tmp_path / "secret.jpg"
    outside.write_bytes(b"secret")
    names = ("../secret.jpg", "../secret.cls", str(outside), f"{outside}".replace("jpg", "cls"))
    folder = tmp_path / "shards"
    shard(folder / "a.tar", *((name, b"7") for name in names))
    assert [photo.read() for photo in read(folder).photos] == [b"7", b"7"]


def test_a_cut_or_compressed_shard_is_named(tmp_path: Path) -> None:
    whole = shard(tmp_path / "a.tar", ("a.cls", b"7"), ("a.jpg", b"x" * 5000)).read_bytes()
    for cut in (2000, 300, 0):
        (tmp_path / "a.tar").write_bytes(whole[:cut])
        with pytest.raises(DatasetError, match=r"a\.tar cannot be read \("):
            read(tmp_path)
    (tmp_path / "a.tar").unlink()
    shard(tmp_path / "a.tar", ("a.cls", b"7"), ("a.jpg", b"x"), mode="w:gz")
    with pytest.raises(DatasetError, match=r"a\.tar cannot be read \("):
        read(tmp_path)


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "a.jpg"),
        (tarfile.FIFOTYPE, ""),
        (tarfile.CHRTYPE, ""),
        (tarfile.GNUTYPE_SPARSE, ""),
    ],
)
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes, target: str) -> None:
    with pytest.raises(DatasetError, match="is a link, a device or sparse"):
        read(special(tmp_path / "a.tar", kind, target))


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ((("a.jpg", b"1"), ("a.jpg", b"2")), "two members are called a.jpg"),
        ((("a.cls", b"7" * (webdataset.LARGEST + 1)),), "bytes, more than 65,536"),
        ((("a.cls", b"\xff"),), "a.cls is no label"),
        ((("a.cls", b"7" * 201),), "which is no name"),
        ((("a.cls", "\u202e7".encode()),), "which is no name"),
        ((("a.json", b"[" * 60_000),), "a.json is no label"),
        ((("a.json", b"{"),), "a.json is no label"),
        ((("a.jpg", b"1"), ("a.json", b'{"label": ["x"]}')), "1 shards with 1 pictures, and none"),
        ((("a.jpg", b"1"), ("a.json", b"[1]")), "1 shards with 1 pictures, and none"),
    ],
)
def test_hostile_members_are_named(
    tmp_path: Path, members: tuple[tuple[str, bytes], ...], complaint: str
) -> None:
    shard(tmp_path / "a.tar", *members)
    with pytest.raises(DatasetError, match=complaint):
        read(tmp_path)


def test_a_chain_of_long_names_ends_in_one_line(tmp_path: Path) -> None:
    """Each header says that the next one's name is long; tarfile reads them recursively."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1
    block = info.tobuf(tarfile.GNU_FORMAT) + b"x".ljust(512, b"\0")
    (tmp_path / "a.tar").write_bytes(block * 2000)
    with pytest.raises(DatasetError, match=r"a\.tar cannot be read"):
        read(tmp_path)


def test_what_is_no_shard_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="0 shards with 0 pictures"):
        read(tmp_path)
    with pytest.raises(StorageError, match="No such file"):
        read(tmp_path / "none.tar")


def test_a_fifo_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.tar")
    with pytest.raises((DatasetError, StorageError), match="Not a regular file"):
        read(tmp_path)
