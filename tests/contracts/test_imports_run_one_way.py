"""Imports run one way: between the packages, and between the rooms inside `lowkey_core`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("lowkey_core", "adversaries", "audit", "reports", "web", "cli")
"""Each may import those before it."""
ROOMS = (
    ("errors", "checks", "content", "types", "spec"),
    ("work",),
    ("photos", "weights"),
    ("faces", "networks"),
    ("recognition", "plugins", "services", "workers"),
    ("cloaking",),
    ("cloaks", "datasets", "matchers", "recognisers", "transforms"),
    ("publish",),
    ("training",),
)
"""Inside `lowkey_core`: each may import its own row, and those before it."""
FILES = [p for top in PACKAGES[:-1] for p in (ROOT / top).rglob("*.py")] + [ROOT / "cli.py"]


def imported(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{a.name}" for a in node.names)
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_packages_import_those_below(path: Path) -> None:
    own = PACKAGES.index(path.relative_to(ROOT).parts[0].removesuffix(".py"))
    tops = {name.partition(".")[0] for name in imported(path)}
    assert all(PACKAGES.index(top) <= own for top in tops if top in PACKAGES), tops


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if p.parent != ROOT / "lowkey_core" and "lowkey_core" in p.parts]
    + [p for p in (ROOT / "lowkey_core").glob("*.py") if p.name != "__init__.py"],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_rooms_import_those_below(path: Path) -> None:
    place = {room: row for row, rooms in enumerate(ROOMS) for room in rooms}
    own = place[path.relative_to(ROOT / "lowkey_core").parts[0].removesuffix(".py")]
    for name in imported(path):
        top, _, rest = name.partition(".")
        room = rest.partition(".")[0]
        if top == "lowkey_core":
            assert place[room] <= own, f"{name} is above {path.name}"


def test_no_plugin_package_holds_anything_else() -> None:
    """What several plugins share lives in a room of its own, so that no name needs a mark."""
    for package in ("cloaks", "datasets", "matchers", "recognisers", "transforms"):
        assert not [*(ROOT / "lowkey_core" / package).glob("_[!_]*.py")]
    for package in ("adversaries", "audit/measures", "audit/scenarios", "reports"):
        assert not [*(ROOT / package).glob("_[!_]*.py")]
