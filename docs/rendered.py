"""Runs docs/notebook.py cell by cell, and writes docs/notebook.md: `python docs/rendered.py`."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).with_name("notebook.py")
_CELL = re.compile(r"^# %%(.*)\n", re.M)


@dataclass(frozen=True)
class Cell:
    """Of a script in the percent format."""

    code: bool
    text: str
    """Python, or Markdown without the signs of comments."""


def cells(script: str) -> Iterator[Cell]:
    """In their order."""
    _, *parts = _CELL.split(script)
    for kind, text in zip(parts[::2], parts[1::2], strict=True):
        if code := "markdown" not in kind:
            yield Cell(code, text.strip())
        else:
            yield Cell(code, re.sub(r"^# ?", "", text, flags=re.M).strip())


def run(cell: Cell, names: dict[str, Any]) -> tuple[str, Any]:
    """What a cell of code prints, and the value of its last expression, None if it ends in none.

    names: variables, before and afterwards. Raises: whatever the cell does.
    """
    tree = ast.parse(cell.text)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    value = None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(tree, str(NOTEBOOK), "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names)
    return printed.getvalue(), value


def shown(value: Any) -> str:
    """As a notebook shows it: a report as its table, all else as text."""
    if value is None:
        return ""
    if type(value).__name__ == "AuditReport":
        return str(value._repr_html_()) + "\n"
    text = value.to_string() if hasattr(value, "to_string") else repr(value)
    return f"```text\n{text}\n```\n"


def page(script: str) -> str:
    """The script's text, code and output as Markdown."""
    names: dict[str, Any] = {}
    written = []
    for cell in cells(script):
        if not cell.code:
            written.append(cell.text + "\n")
            continue
        written.append(f"```python\n{cell.text}\n```\n")
        printed, value = run(cell, names)
        if printed:
            written.append(f"```text\n{printed.rstrip()}\n```\n")
        if value is not None:
            written.append(shown(value))
    return "\n".join(written)


if __name__ == "__main__":
    text = page(NOTEBOOK.read_text())
    NOTEBOOK.with_suffix(".md").write_text(text)
