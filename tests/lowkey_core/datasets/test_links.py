"""Links are followed inside the folder that was named, and nowhere else."""

from __future__ import annotations

from pathlib import Path

from lowkey_core import datasets
from tests.lowkey_core.datasets.folders import make, people


def test_links_are_followed_inside_the_folder_and_named_if_they_lead_out(tmp_path: Path) -> None:
    root = make(tmp_path / "in", "Ann/1.jpg", "shared/b.jpg", "Bob/1.jpg")
    make(tmp_path, "out/secret.jpg")
    (root / "Eve").symlink_to(tmp_path / "out")
    (root / "Ann/2.jpg").symlink_to(tmp_path / "out/secret.jpg")
    (root / "Ann/3.jpg").symlink_to(root / "shared/b.jpg")
    (root / "Ann/4.jpg").symlink_to(root / "Ann/4.jpg")
    (root / "Ann/up").symlink_to(root)
    (root / "Cid").symlink_to(root / "shared")
    assert people(root) == {
        "Ann": ["Ann/1.jpg", "Ann/3.jpg"],
        "Bob": ["Bob/1.jpg"],
        "Cid": ["Cid/b.jpg"],
        "shared": ["shared/b.jpg"],
    }
    (note,) = datasets.load(str(root)).notes
    assert note == (
        "4 links were not followed: Eve (a link that leads out of the folder), "
        "Ann/2.jpg (a link that leads out of the folder), Ann/4.jpg (a link that leads to itself), "
        "Ann/up (a link to a folder that it lies in)."
    )
    (tmp_path / "link").symlink_to(root)
    assert people(tmp_path / "link") == people(root), "the root may be one"


def test_links_to_each_other_do_not_make_a_tree_without_end(tmp_path: Path) -> None:
    root = make(tmp_path, *(f"p{i}/1.jpg" for i in range(8)))
    for i in range(8):
        for j in range(8):
            (root / f"p{i}" / f"to{j}").symlink_to(root / f"p{j}")
    assert len(datasets.load(str(root)).photos) == 8 + 8 * 7
