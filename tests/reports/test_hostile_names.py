"""A name is text in every format, whatever it is: the shape of a file is that of harmless names."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from reports import REPORTS, render
from tests.reports import hostile
from tests.reports.hostile import NAMES

HARMLESS = "plain"
hostile_names = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)


def made(format: str, name: str) -> str:
    text = render(format, hostile.report(name))
    assert isinstance(text, str)
    return text


@hostile_names
@pytest.mark.parametrize("format", REPORTS.available())
def test_no_line_holds_what_cannot_be_printed(format: str, name: str) -> None:
    assert all(line.isprintable() for line in made(format, name).split("\n"))


class Page(HTMLParser):
    """Tags with the names of their attributes, and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(key for key, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@hostile_names
def test_html_has_the_tags_of_harmless_names(name: str) -> None:
    page, plain = Page(made("html", name)), Page(made("html", HARMLESS))
    assert sorted(page.tags) == sorted(plain.tags)
    text = " ".join(page.texts)
    assert all(called in text for called in hostile.shown(name))


@hostile_names
def test_xml_has_the_elements_of_harmless_names(name: str) -> None:
    root, plain = (Xml.fromstring(made("junit", n)) for n in (name, HARMLESS))
    assert [(e.tag, *e.keys()) for e in root.iter()] == [(e.tag, *e.keys()) for e in plain.iter()]
    values = " ".join(v for e in root.iter() for v in (*e.attrib.values(), e.text or ""))
    cloak, recogniser, *_ = hostile.shown(name)
    assert cloak in values
    assert f"{recogniser} retrained on cloaked pictures" in values


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


@hostile_names
def test_sarif_has_the_results_of_harmless_names(name: str) -> None:
    log, plain = (json.loads(made("sarif", n)) for n in (name, HARMLESS))
    results, others = (one["runs"][0]["results"] for one in (log, plain))
    assert [(r["kind"], r["level"], *r) for r in results] == [
        (r["kind"], r["level"], *r) for r in others
    ]
    for message in (r["message"]["text"] for r in results):
        assert "](" not in message, "a link"
        assert not re.search(r"(?<!\{)(\{\{)*\{[0-9]", message), "a placeholder"
    places = {r["properties"]["attack"] for r in results if "properties" in r}
    assert places == {hostile.shown(name)[0]}


@hostile_names
def test_csv_has_the_rows_of_harmless_names_and_nothing_to_compute(name: str) -> None:
    rows, plain = ([*csv.reader(io.StringIO(made("csv", n)))] for n in (name, HARMLESS))
    assert [len(row) for row in rows] == [len(row) for row in plain]
    cells = {cell for row in rows for cell in row}
    assert set(hostile.shown(name)[:2]) <= {c.removeprefix("'") for c in cells}
    for cell in cells:
        if cell.lstrip().startswith(("=", "+", "-", "@")):
            assert float(cell) < 0, "a number, which says what it is"


@hostile_names
def test_latex_has_the_commands_of_harmless_names(name: str) -> None:
    source = made("latex", name)
    assert source.isascii()
    commands = set(re.findall(r"\\([A-Za-z]+|.)", source, re.DOTALL))
    known = set(re.findall(r"\\([A-Za-z]+|.)", made("latex", HARMLESS), re.DOTALL))
    letters = {"allowbreak", *"#$%&_{}^~`'\"=.", *"rHvcku", "i", "j", "L", "l"}
    symbols = {"backslash", "asciitilde", "asciicircum", "less", "greater", "bar"}
    symbols |= {"quotedbl", "quotesingle", "asciigrave"}
    assert commands <= known | letters | {f"text{symbol}" for symbol in symbols}
    bare = re.sub(r"\\.", "", source)
    assert bare.count("{") == bare.count("}")
    assert "%" not in bare, "a comment"


@hostile_names
def test_annotations_are_the_commands_of_harmless_names(name: str) -> None:
    lines, plain = (made("annotations", n).splitlines() for n in (name, HARMLESS))
    form = re.compile(r"::(error|warning|notice) title=([^:,]*)::(.*)")
    found, others = ([form.fullmatch(line) for line in each] for each in (lines, plain))
    assert [m and m[1] for m in found] == [m and m[1] for m in others]
    assert None not in found
    told = (m[3].replace("%25", "%") for m in found if m)
    assert any(hostile.shown(name)[1] in text for text in told)


@hostile_names
def test_markdown_has_the_tables_of_harmless_names(name: str) -> None:
    text, plain = made("markdown", name), made("markdown", HARMLESS)
    bars = re.compile(r"(?<!\\)(?:\\\\)*\|")
    shapes = [[len(bars.findall(line)) for line in t.splitlines()] for t in (text, plain)]
    assert shapes[0] == shapes[1]
    assert not re.findall(r"(?<!\\)(?:\\\\)*[<>&`$~]", text)
