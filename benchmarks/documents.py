"""Figures in Markdown files: what stands between two comments is rendered from measurements.

The first comment says `results:` and the name of a table or sentence, the second says `end`; both
are lines of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lowkey_core.errors import AuditError

ROOT = Path(__file__).parents[1]
_START, _END = "<!-- results: ", "<!-- end -->"
_MARKED = re.compile(rf"^{_START}(.+?) -->\n(.*?)^{_END}$", re.DOTALL | re.MULTILINE)


def documents(root: Path = ROOT) -> list[Path]:
    """The files whose figures are rendered."""
    return [
        root / "README.md",
        *sorted((root / "docs").glob("*.md")),
        root / "benchmarks/README.md",
        root / "web/templates/measured.md",
    ]


def markers(text: str) -> list[str]:
    """The names in a document, in order. Raises: AuditError."""
    found = _MARKED.findall(text)
    broken = [body for _, body in found if _START in body]
    if broken or len(found) != text.count(_START) or len(found) != text.count(_END):
        raise AuditError(
            f"{text.count(_START)} `{_START}...` and {text.count(_END)} `{_END}`",
            expected="each on a line of its own, and an end for each start",
            remedy=f"correct the comments near: {(broken or [text])[0][:60]!r}",
        )
    return [name for name, _ in found]


def rendered(text: str, tables: Mapping[str, str]) -> str:
    """A document with every figure that `tables` has. Others stay. Raises: AuditError."""
    markers(text)

    def fill(match: re.Match[str]) -> str:
        name, body = match.groups()
        new = f"{tables[name].strip()}\n" if name in tables else body
        return f"{_START}{name} -->\n{new}{_END}"

    return _MARKED.sub(fill, text)
