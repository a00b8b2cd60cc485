"""What is installed is whole: the networks that ship are in the package, and are what cards say."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

import lowkey_core
from audit.models import catalogue
from lowkey_core import weights
from lowkey_core.weights import Card

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
EMBEDDED = {name: card for name, (_, card) in catalogue().items() if card.embedded}


def test_the_zoo_its_pictures_digests_and_the_painter_ship() -> None:
    zoo = {"zoo:ir-arcface", "zoo:resnet-cosface", "zoo:mobile", "zoo:vit"}
    assert set(EMBEDDED) == {*zoo, "lfw-pictures", "synthfaces"}


@pytest.mark.parametrize("card", EMBEDDED.values(), ids=EMBEDDED)
def test_every_embedded_file_is_packed(card: Card) -> None:
    folder = Path(lowkey_core.__file__).parent
    packed = {f for p in SETTINGS["package-data"]["lowkey_core"] for f in folder.glob(p)}
    assert weights.EMBEDDED / card.file in packed
    assert weights.locate(card) == weights.EMBEDDED / card.file


@pytest.mark.parametrize("card", EMBEDDED.values(), ids=EMBEDDED)
def test_every_embedded_file_is_the_one_on_its_card(card: Card) -> None:
    assert card.pinned
    assert len(weights.read(card)) == card.size


def test_nothing_else_is_packed() -> None:
    kept = {p.name for p in weights.EMBEDDED.iterdir() if not p.name.startswith((".", "__"))}
    assert kept == {card.file for card in EMBEDDED.values()}


def test_every_package_with_code_is_packed() -> None:
    """A folder is a package where it is named, and where it says so itself."""
    wanted = SETTINGS["packages"]["find"]["include"]
    for top in ("audit", "lowkey_core", "adversaries", "reports", "web"):
        for file in (ROOT / top).rglob("*.py"):
            name = ".".join(file.relative_to(ROOT).parent.parts)
            assert any(fnmatch(name, pattern) for pattern in wanted)
            assert (file.parent / "__init__.py").is_file()
