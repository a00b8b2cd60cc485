"""`runs list` in several formats."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

from audit.runs import COLUMNS, listing, rows
from lowkey_core.errors import unknown_name
from reports.console.side_by_side import guarded, markdown


def listed(folder: Path, form: str) -> Iterator[str]:
    """Lines. Raises: StorageError, RunError; UnknownNameError for a format that does not exist."""
    forms = {"plain": listing, "markdown": _markdown, "csv": _csv, "json": _json}
    if form not in forms:
        raise unknown_name("format", form, forms)
    return iter(forms[form](folder))


def _markdown(folder: Path) -> Iterator[str]:
    return markdown(COLUMNS, rows(folder))


def _csv(folder: Path) -> Iterator[str]:
    for row in (COLUMNS, *rows(folder)):
        file = io.StringIO()
        csv.writer(file, lineterminator="").writerow([guarded(cell) for cell in row])
        yield file.getvalue()


def _json(folder: Path) -> Iterator[str]:
    said = [dict(zip(COLUMNS, row, strict=True)) for row in rows(folder)]
    yield from json.dumps(said, indent=1).splitlines()
