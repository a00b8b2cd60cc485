"""docs/reports.md names every format, file and column."""

from __future__ import annotations

import re
from pathlib import Path

from audit.rows import COLUMNS
from reports import REPORTS, suffix

PAGE = (Path(__file__).parents[2] / "docs" / "reports.md").read_text()


def rows(head: str) -> list[list[str]]:
    """Of the table whose first column is headed so; what stands in backticks in its cells."""
    found = re.search(rf"^\| {head} \|.*\n\|[ -|]*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert found
    return [re.findall("`([^`]+)`", line.split(" | ")[0]) for line in found[1].splitlines()]


def test_every_format_is_there_with_its_suffix() -> None:
    named = {name for row in rows("format") for name in row}
    assert named == set(REPORTS.available())
    for name in named:
        assert f"| `{name}` | `{suffix(name)}` |" in PAGE


def test_every_column_is_there_in_order() -> None:
    assert [name for row in rows("column") for name in row] == [*COLUMNS]
