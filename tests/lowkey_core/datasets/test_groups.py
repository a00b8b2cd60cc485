"""Which group a person is of, as a table of pictures or one beside a folder says."""

from __future__ import annotations

from pathlib import Path

import pytest

from lowkey_core import datasets
from lowkey_core.errors import DatasetError


def folder(root: Path, *people: str) -> Path:
    """Photos without content: nobody looks at them."""
    for who in people:
        (root / "photos" / who).mkdir(parents=True)
        (root / "photos" / who / "1.jpg").write_bytes(b"")
    return root / "photos"


def groups(root: Path) -> dict[str, str]:
    return dict(datasets.load(str(root)).groups)


def table(root: Path, *lines: str) -> Path:
    folder(root, "Ann", "Bob")
    (root / "photos.csv").write_text("\n".join(lines))
    return root / "photos.csv"


def test_a_column_of_a_table_says_the_group(tmp_path: Path) -> None:
    written = table(
        tmp_path,
        "path,group,identity",
        "photos/Ann/1.jpg, one ,Ann",
        "photos/Bob/1.jpg,,Bob",
    )
    assert groups(written) == {"Ann": "one"}


def test_a_table_without_the_column_states_no_groups(tmp_path: Path) -> None:
    written = table(tmp_path, "path,identity,colour", "photos/Ann/1.jpg,Ann,red")
    assert groups(written) == {}


def test_a_person_is_of_one_group(tmp_path: Path) -> None:
    written = table(
        tmp_path,
        "path,identity,group",
        "photos/Ann/1.jpg,Ann,one",
        "photos/Bob/1.jpg,Ann,two",
    )
    with pytest.raises(DatasetError, match="line 3: Ann is of 'two', and in line 2 of 'one'"):
        groups(written)


def test_a_file_in_a_folder_or_else_beside_it_says_the_groups(tmp_path: Path) -> None:
    root = folder(tmp_path, "Ann", "Bob")
    assert groups(root) == {}
    (tmp_path / "photos.groups.csv").write_text("identity,group\nAnn,one\nBob,two\n")
    assert groups(root) == {"Ann": "one", "Bob": "two"}
    (root / "groups.csv").write_text("group,identity\nthree,Ann\n")
    assert groups(root) == {"Ann": "three"}
    assert datasets.load(str(root)).notes == (), "the file is no stray one"


def test_who_is_named_in_vain_is_named_in_the_report(tmp_path: Path) -> None:
    root = folder(tmp_path, "Ann")
    (root / "groups.csv").write_text("identity,group\nAnn,one\nann,one\n")
    assert datasets.load(str(root)).notes == (
        "1 people whose group is stated have no picture: ann.",
    )


def test_a_link_out_of_the_folder_is_not_read(tmp_path: Path) -> None:
    root = folder(tmp_path, "Ann")
    (tmp_path / "elsewhere.csv").write_text("identity,group\nAnn,one\n")
    (root / "groups.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert groups(root) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("identity\nAnn", "line 1: the header is 'identity'; expected identity,group"),
        ("identity,group\nAnn,", "line 2: a row is .*; expected an identity and a group"),
        ("identity,group\nAnn,\0", "line 2"),
    ],
)
def test_a_damaged_table_is_told_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    root = folder(tmp_path, "Ann")
    (root / "groups.csv").write_text(text)
    with pytest.raises(DatasetError, match=said):
        groups(root)
