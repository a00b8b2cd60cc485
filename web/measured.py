"""What cloaks do not protect against: the figures of the project's own audits, read from the file
that a test holds to the measurements (`templates/measured.md`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

_RATE = re.compile(r"\d\.\d\d \[\d\.\d\d, \d\.\d\d\]")
NAME = "measured.md"


@dataclass(frozen=True)
class Row:
    """Of a table of answers."""

    question: str
    what: str
    protection: str
    control: str


@dataclass(frozen=True)
class Measured:
    """What the paragraph on the first page says."""

    setting: str
    """Who was audited, in a sentence."""
    published: str
    newer: str
    newer_name: str
    retrained: str
    detected: str


@cache
def measured() -> Measured:
    """Raises: LookupError where the file lacks a figure; a test reads it."""
    text = resources.files("web").joinpath("templates", NAME).read_text(encoding="utf-8")
    rows = list(_rows(_part(text, "audits standard")))
    asked = {row.question for row in rows}
    newer = [r for r in rows if r.question.startswith("Does it survive newer")][-1]
    retrained = _first(rows, "Does it survive robust retraining?")
    assert asked
    return Measured(
        setting=_sentence(_part(text, "audits standard setting")),
        published=_rate(_first(rows, "Does it survive JPEG?")),
        newer=_rate(newer),
        newer_name=newer.what,
        retrained=_rate(retrained),
        detected=_first(rows, "Does it survive detection?").protection,
    )


def _part(text: str, name: str) -> str:
    found = re.search(rf"<!-- results: {re.escape(name)} -->\n(.*?)<!-- end -->", text, re.DOTALL)
    if found is None:
        raise LookupError(name)
    return found[1]


def _rows(table: str) -> Iterator[Row]:
    """Each with the question that it stands under."""
    question = ""
    for line in table.splitlines()[2:]:
        first, what, protection, control = (cell.strip() for cell in line.strip("|").split("|"))
        question = first or question
        yield Row(question, what, protection, control)


def _first(rows: list[Row], question: str) -> Row:
    found = [row for row in rows if row.question.startswith(question)]
    if not found:
        raise LookupError(question)
    return found[0]


def _rate(row: Row) -> str:
    found = _RATE.search(row.protection)
    if found is None:
        raise LookupError(row.what)
    return found[0]


def _sentence(text: str) -> str:
    """The first, without Markdown."""
    return " ".join(text.replace("`", "").split()).partition(". ")[0] + "."
