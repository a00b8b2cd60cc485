"""Whose pictures are whose, in every layout that people have."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lowkey_core import datasets
from lowkey_core.errors import DatasetError, StorageError, UnknownNameError, UnreadableImageError
from lowkey_core.photos import decoding
from lowkey_core.photos.formats import SUFFIXES
from lowkey_core.photos.photo import Photo
from tests.lowkey_core.datasets.folders import make, people
from tests.lowkey_core.photos.picture_files import FILES


@pytest.mark.parametrize(
    ("names", "who"),
    [
        (["Ann/1.jpg", "Ann/2.png", "Bob/1.webp"], "Ann Ann Bob"),
        (["Ann/face/1.jpg", "Bob/faces/1.jpg"], "Ann Bob"),
        (["actors/Ann/face/1.jpg", "actresses/Bob/face/1.jpg"], "Ann Bob"),
        (["lfw/Ann/1.jpg", "lfw/Bob/1.jpg"], "Ann Bob"),
        (["train/n1/1.jpg", "train/n2/1.jpg", "test/n3/1.jpg"], "n3 n1 n2"),
        (["train/n1/1.jpg", "test/n1/2.jpg"], "n1 n1"),
        (["Ann/1.jpg", "Ann/holiday/2.jpg", "Bob/holiday/3.jpg"], "Ann Ann Bob"),
        (["Ann/1.jpg", "Bob/Face/2.jpg"], "Ann Bob"),
        (["face/1.jpg", "Bob/2.jpg"], "Bob face"),
        (["a/b/c/Ann/1.jpg", "a/b/c/Bob/1.jpg"], "Ann Bob"),
        (["loose.jpg", "Ann/1.jpg"], "Ann"),
    ],
)
def test_people_are_the_highest_folders_with_pictures(
    tmp_path: Path, names: list[str], who: str
) -> None:
    photos = datasets.load(str(make(tmp_path, *names))).photos
    assert [photo.identity for photo in photos] == who.split()
    assert all(photo.read() == photo.name.encode() for photo in photos)


def test_nothing_depends_on_the_order_on_disk(tmp_path: Path) -> None:
    names = [f"p{i}/{j}.jpg" for i in range(5) for j in range(5)]
    one, other = make(tmp_path / "a", *names), make(tmp_path / "b", *reversed(names))
    assert people(one) == people(other)


def test_every_accepted_suffix_in_any_case_and_nothing_else(tmp_path: Path) -> None:
    wanted = {f"Ann/{i}{s}" for i, s in enumerate([*SUFFIXES, ".JPG", ".Png"])}
    make(tmp_path, *wanted, "Ann/notes.txt", "Ann/jpg", "Ann/movie.mp4")
    assert set(people(tmp_path)["Ann"]) == wanted


def test_hidden_files_folders_and_odd_things_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path, "Ann/1.jpg", "Ann/._1.jpg", ".thumbs/2.jpg", "Ann/.picasa/3.jpg")
    os.mkfifo(tmp_path / "Ann" / "fifo")
    (tmp_path / "Ann" / "folder.jpg").mkdir()
    assert people(tmp_path) == {"Ann": ["Ann/1.jpg"]}


def test_what_takes_no_part_is_noted(tmp_path: Path) -> None:
    root = make(tmp_path, "Ann/1.jpg", "loose.jpg", "readme.txt", "Ann/.hidden")
    (root / "Ann/2").write_bytes(FILES["avif"])
    found = datasets.load(str(root))
    assert [photo.name for photo in found.photos] == ["Ann/1.jpg", "Ann/2"], "content decides"
    assert found.notes == (
        f"1 pictures right in {root.name} belong to nobody.",
        "2 other files are no pictures, or hidden.",
    )


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)
        .filter(lambda n: not n.startswith(".") and len(n.encode()) <= 255),
        st.integers(1, 3),
        min_size=1,
        max_size=4,
    )
)  # fmt: skip
@example({"Ann\nBob": 1, "[red]x": 2, "é" * 127: 1, "x" * 255: 1, "日本 \u202f": 2})
def test_people_may_be_called_anything(wanted: dict[str, int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), *(f"{who}/{i}.jpg" for who, n in wanted.items() for i in range(n)))
        assert {who: len(names) for who, names in people(Path(folder)).items()} == wanted


def test_names_that_are_no_text_are_written_out(tmp_path: Path) -> None:
    make(tmp_path, os.fsdecode(b"Ann\xff/1\xfe.jpg"))
    (photo,) = datasets.load(str(tmp_path)).photos
    assert (photo.identity, photo.name) == (r"Ann\xff", r"Ann\xff/1\xfe.jpg")
    assert photo.read() == b"Ann\xff/1\xfe.jpg"


def test_deep_folders_do_not_exhaust_the_stack(tmp_path: Path) -> None:
    make(tmp_path, "Ann/1.jpg")
    deep = [f"{tmp_path}/Bob" + "/d" * n for n in range(1500)]
    for folder in deep:
        os.mkdir(folder)  # noqa: PTH102  pathlib's parents recurse
    make(Path(deep[-1]), "1.jpg")
    assert people(tmp_path).keys() == {"Ann", "Bob"}
    os.remove(f"{deep[-1]}/1.jpg")  # noqa: PTH107
    for folder in reversed(deep):  # as shutil.rmtree recurses as well
        os.rmdir(folder)  # noqa: PTH106


def test_a_folder_that_cannot_be_listed_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "Ann/1.jpg", "Bob/1.jpg")
    scan = os.scandir

    def denied(path: Path) -> object:
        if path.name == "Bob":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", denied)  # as root may list anything
    with pytest.raises(StorageError, match=r"Permission denied: .*Bob"):
        people(tmp_path)


@pytest.mark.parametrize("names", [(), ("1.jpg",), ("Ann/notes.txt",), (".Ann/1.jpg",)])
def test_a_folder_without_people_is_said_so(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(DatasetError, match=r"holds no pictures in sub-folders.*PERSON/PICTURE"):
        people(make(tmp_path, *names))


def test_strangers_are_one_person_a_picture(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "b.jpg", "Ann/1.jpg", "Ann/2.jpg")
    found = datasets.strangers(str(tmp_path))
    assert [p.path.name for p in found] == ["1.jpg", "2.jpg", "a.jpg", "b.jpg"]
    assert len({p.identity for p in found}) == len({p.name for p in found}) == 4
    with pytest.raises(DatasetError, match="holds no pictures;"):
        datasets.strangers(str(make(tmp_path / "none", "notes.txt")))


def test_a_photo_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "Ann/1.jpg")
    monkeypatch.setattr(decoding, "MAX_BYTES", 4)
    photo = Photo("Ann", "1", tmp_path / "Ann/1.jpg")
    for large in (photo, Photo("Ann", "1", photo.path, offset=1, size=5)):
        with pytest.raises(UnreadableImageError) as refused:
            large.read()
        assert refused.value.reason == "too large"
    assert Photo("Ann", "1", photo.path, offset=4, size=3).read() == b"1.j"


def table(root: Path, text: str | bytes) -> str:
    make(root, "a.jpg", "b.jpg", "sub/c d.jpg", "sub/e,f.jpg")
    (root / "photos.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    return str(root / "photos.csv")


@pytest.mark.parametrize(
    "text",
    [
        "path,identity\na.jpg,Ann\nsub/c d.jpg,Bob\n",
        "\ufeffpath,identity\r\na.jpg,Ann\r\n\r\nsub/c d.jpg,Bob\r\n",
        'Identity, Path ,note\n"Ann","a.jpg",x\n Bob ,./sub/../sub/c d.jpg,"two\nlines"',
    ],
)
def test_a_table_names_pictures_and_people(tmp_path: Path, text: str) -> None:
    found = datasets.load(table(tmp_path, text)).by_identity
    assert {who: [p.read() for p in photos] for who, photos in found.items()} == {
        "Ann": [b"a.jpg"],
        "Bob": [b"sub/c d.jpg"],
    }


def test_quotes_and_absolute_paths(tmp_path: Path) -> None:
    outside = make(tmp_path, "out/x.jpg") / "out/x.jpg"
    text = f'path,identity\n"sub/e,f.jpg","Smith, ""Ann"""\n{outside},Ann\n'
    photos = datasets.load(table(tmp_path / "in", text)).photos
    assert [(p.identity, p.path.name) for p in photos] == [
        ('Smith, "Ann"', "e,f.jpg"),
        ("Ann", "x.jpg"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header is ''"),
        ("path;identity\na.jpg;Ann", "line 1: the header is 'path;identity'.*commas"),
        ("path,name\na.jpg,Ann", "line 1: the header"),
        ("path,path,identity\na.jpg,a.jpg,Ann", "line 1: the header"),
        ("path,identity\n", "line 1: nothing follows"),
        ("path,identity\na.jpg,Ann\nb.jpg\n", r"line 3: a row is \['b.jpg'\]"),
        ("path,identity\na.jpg, \n", "line 2: a row is"),
        ("path,identity\na\0.jpg,Ann\n", "line 2: "),
        ("path,identity\na.jpg,Ann\n\nc.jpg,Bob\n", "line 4: c.jpg is not a file"),
        (f"path,identity\n{'n' * 300}.jpg,Bob\n", "line 2: nnn"),
        ("path,identity\nsub,Ann\n", "line 2: sub is not a file"),
        ("path,identity\n../x.jpg,Ann\n", "line 2: ../x.jpg leaves the table's folder"),
        ("path,identity\nlink.jpg,Ann\n", "line 2: link.jpg leaves"),
        ("path,identity\na.jpg,Ann\nsub/../a.jpg,Bob\n", "line 3: .* is in line 2 too"),
        ('path,identity\n"a.jpg,Ann\n', "line 2: unexpected end"),
        (b"path,identity\n\xff.jpg,Ann\n", "line 2: it holds 0xff; expected UTF-8"),
        (f"path,identity\n{'x' * 200_000},Ann\n", "line 2: field larger"),
    ],
)
def test_a_wrong_table_is_said_so_with_the_line(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    make(tmp_path, "x.jpg", "in/y.jpg")
    (tmp_path / "in/link.jpg").symlink_to(tmp_path / "x.jpg")
    with pytest.raises(DatasetError, match=message) as refused:
        datasets.load(table(tmp_path / "in", text))
    assert str(refused.value).isprintable()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_one_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        name = table(Path(folder), b"path,identity\n" + content)
        with pytest.raises(DatasetError):
            datasets.load(name)


def test_a_table_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"cannot be read \(No such file"):
        datasets.load(str(tmp_path / "absent.csv"))
    with pytest.raises(UnknownNameError):
        datasets.load("absent")
    for name in ("csv", "folder"):
        with pytest.raises(DatasetError, match="give that path itself"):
            datasets.load(name)
