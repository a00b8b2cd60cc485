"""`zoo train` and `synthetic train`: names are checked, and what is missing is said at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import fails, finish, start


def kept(folder: Path) -> list[object]:
    return ["--out", folder / "training", "--cache", folder / "cache"]


def test_a_wrong_name_is_one_line(tmp_path: Path) -> None:
    said = fails("zoo", "train", "nonsense", *kept(tmp_path))
    assert "'nonsense'" in said
    assert "zoo:ir-arcface" in said
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        (["zoo", "train", "zoo:mobile"], "no lfw-*.tar"),
        (["zoo", "train", "zoo:ir-arcface"], "models fetch mobilefacenet:ms1m"),
        (["synthetic", "train"], "models fetch mobilefacenet:ms1m"),
    ],
    ids=lambda given: given[-1] if isinstance(given, list) else "",
)
def test_without_faces_or_teachers_it_says_how_to_get_them(
    command: list[str], missing: str, tmp_path: Path
) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    said = fails(*command, *kept(tmp_path), CLOAK_ASSETS=str(assets))
    assert missing in said
    assert "CLOAK_ASSETS" in said
    assert not (tmp_path / "training").exists()


def test_help_says_that_the_same_command_resumes() -> None:
    for command in (["zoo", "train"], ["synthetic", "train"]):
        shown, _ = finish(start(*command, "--help"), 0)
        assert "resumes" in " ".join(shown.split())
