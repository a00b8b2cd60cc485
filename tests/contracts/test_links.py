"""Every relative link and anchor of the documents leads somewhere. No network is asked."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "benchmarks" / "README.md",
]
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.M | re.S)
HEAD = re.compile(r"^#{1,6} +(.*?) *#*$", re.M)


def links(text: str) -> list[str]:
    """Targets within the repository, outside code."""
    found = LINK.findall(CODE.sub("", text))
    return [t for t in found if not re.match(r"[a-z][a-z+.-]*:", t)]


@cache
def anchors(page: Path) -> frozenset[str]:
    """As GitHub names the headings, and ids that the page sets itself."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    found, own = list[str](), re.findall(r'<a (?:id|name)="([^"]+)"', text)
    for head in HEAD.findall(text):
        name = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", head).lower()
        name = re.sub(r"[^\w\- ]", "", name).replace(" ", "-")
        found.append(name + (f"-{found.count(name)}" if name in found else ""))
    return frozenset([*found, *own])


def broken(page: Path, target: str) -> str:
    """Why a link leads nowhere; "" if it leads somewhere."""
    path, _, anchor = target.partition("#")
    file = (page.parent / unquote(path)).resolve() if path else page
    if not file.exists():
        return f"{target}: no such file"
    if not file.is_relative_to(ROOT):
        return f"{target}: outside the repository"
    if anchor and (file.suffix != ".md" or anchor not in anchors(file)):
        return f"{target}: no such heading"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [why for t in links(page.read_text()) if (why := broken(page, t))] == []


def test_links_are_found_and_broken_ones_told() -> None:
    text = "[a](plan.md) ![b](x.png#y) [[c](gates.md#d)](e) `[f](g)` [h](https://i.org)\n"
    assert links(text)[:2] == ["plan.md", "x.png#y"]
    assert "g" not in links(text)
    assert not [t for t in links(text) if t.startswith("https")]
    page = ROOT / "docs" / "plan.md"
    assert broken(page, "adversaries.md#scenarios") == broken(page, "#several-splits") == ""
    assert broken(page, "adversaries.md#senarios").endswith("no such heading")
    assert broken(page, "nowhere.md").endswith("no such file")
    assert broken(page, "../../etc").endswith(("no such file", "outside the repository"))


def test_every_document_is_reached_from_the_index() -> None:
    reached = set[Path]()
    todo = [ROOT / "docs" / "index.md"]
    while todo:
        page = todo.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        for target in links(page.read_text()):
            path = (page.parent / target.partition("#")[0]).resolve()
            todo += sorted(path.glob("*.md")) if path.is_dir() else [path]
    documents = {p for p in PAGES if p.is_relative_to(ROOT / "docs")}
    assert sorted(documents - reached) == []
