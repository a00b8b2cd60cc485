"""Every caveat that an audit can have is explained, and the document says the same."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from reports.parts.explained import EXPLAINED, document
from tests.audit.samples import sample

ROOT = Path(__file__).parents[2]


def codes() -> Iterator[str]:
    """What the code calls caveats: hyphenated words in `audit/caveats`, and the first argument of
    `doubt` and `code=` anywhere."""
    for file in (ROOT / "audit").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and "caveats" in file.parts:
                if re.fullmatch("[a-z]+(-[a-z]+)+", str(node.value)):
                    yield str(node.value)
            elif isinstance(node, ast.Call):
                called = getattr(node.func, "id", "")
                given = [k.value for k in node.keywords if k.arg == "code"]
                given += node.args[:1] if called == "doubt" else []
                yield from (str(value.value) for value in given if isinstance(value, ast.Constant))


def test_every_code_is_explained_and_no_other() -> None:
    found = set(codes())
    assert {"control-fails", "cloak", "dataset", "not-held-out"} <= found
    assert found == set(EXPLAINED)


def test_a_report_has_codes_that_are_explained() -> None:
    assert {caveat.code for caveat in sample(control=2).caveats} <= set(EXPLAINED)


def test_the_document_has_a_section_for_each() -> None:
    written = (ROOT / "docs" / "caveats.md").read_text()
    assert written == document()
    assert re.findall(r"^## (.*)$", written, re.MULTILINE) == list(EXPLAINED)


def test_explanations_are_sentences() -> None:
    for code, explanation in EXPLAINED.items():
        assert not explanation.title.endswith("."), code
        assert explanation.means.endswith("."), code
        assert explanation.helps.endswith("."), code
