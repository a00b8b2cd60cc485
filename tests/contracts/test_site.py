"""The site of documents is built without a warning, and loads nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

for needed in ("mkdocs", "material", "mkdocstrings"):
    if importlib.util.find_spec(needed) is None:
        pytest.skip(
            f"NOT CHECKED: {needed} is not installed (pip install 'lowkey-audit[docs]')",
            allow_module_level=True,
        )
ROOT = Path(__file__).parents[2]
LOADS = {
    *(("script", "src"), ("img", "src"), ("img", "srcset"), ("iframe", "src"), ("source", "src")),
    *(("source", "srcset"), ("video", "src"), ("audio", "src"), ("embed", "src")),
    *(("object", "data"), ("input", "src"), ("form", "action"), ("use", "href")),
}
"""Attributes whose address a browser opens by itself."""
RELATIONS = {"canonical", "next", "prev", "alternate", "edit", "license"}
"""Of `link`: addresses that a browser does not open by itself."""


class Loaded(HTMLParser):
    """What a page makes a browser load; its tables, and the text of its styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses, self.tables, self.styles = list[str](), 0, ""
        self._in_style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tables += tag == "table"
        self._in_style = tag == "style"
        given = dict(attrs)
        self.addresses += [v or "" for k, v in attrs if (tag, k) in LOADS]
        if tag == "link" and not set((given.get("rel") or "").split()) <= RELATIONS:
            self.addresses.append(given.get("href") or "")
        self.styles += f"\n{given.get('style') or ''}"

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.styles += data

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def elsewhere(addresses: list[str]) -> list[str]:
    return [a for a in addresses if re.match(r"([a-z]+:)?//|[a-z]+:", a) and a[:5] != "data:"]


def of_styles(text: str) -> list[str]:
    """What a style sheet loads."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    imports = re.findall(r"""@import\s+["']([^"']+)""", text)
    return imports + re.findall(r"""url\(\s*["']?([^"')]+)""", text)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def pages(site: Path) -> Iterator[tuple[Path, Loaded]]:
    for file in sorted(site.rglob("*.html")):
        yield file, Loaded(file.read_text())


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    seen = 0
    for file, page in pages(site):
        assert elsewhere([*page.addresses, *of_styles(page.styles)]) == [], file.name
        seen += len(page.addresses)
    assert seen > 100
    sheets = list(site.rglob("*.css"))
    assert sheets
    assert [a for s in sheets for a in elsewhere(of_styles(s.read_text()))] == []


def test_what_would_be_loaded_is_told() -> None:
    page = Loaded(
        '<link rel="stylesheet" href="https://fonts.example/x.css"><script src="//cdn.example/a">'
        '</script><link rel="canonical" href="https://example.org"><img src="a.png">'
        "<style>a{background:url(http://b)}</style>"
    )
    found = elsewhere([*page.addresses, *of_styles(page.styles)])
    assert found == ["https://fonts.example/x.css", "//cdn.example/a", "http://b"]


def test_every_table_of_a_document_is_a_table_of_the_site(site: Path) -> None:
    for document in sorted((ROOT / "docs").glob("*.md")):
        text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.M | re.S)
        tables = len(re.findall(r"^\|[ :|-]+\|$", text, re.M)) + text.count("<table>")
        page = Loaded((site / f"{document.stem}.html").read_text())
        if document.stem != "api":  # whose tables are made from docstrings
            assert page.tables >= tables, document.name


def test_the_api_is_there_with_its_docstrings(site: Path) -> None:
    text = (site / "api.html").read_text()
    for name in ("audit.session.audit", "audit.report.AuditReport", "lowkey_core.types.Pictures"):
        assert f'id="{name}"' in text, name
    assert "Runs an audit and returns its report" in text


def test_pages_from_elsewhere_are_on_the_site(site: Path) -> None:
    for page in ("CONTRIBUTING.html", "benchmarks.html", "adr/index.html", "tutorial.html"):
        assert (site / page).is_file()
    assert 'href="CONTRIBUTING.html#one-file-each"' in (site / "reports.html").read_text()
    assert (site / "gates" / "jpeg.toml").is_file()
