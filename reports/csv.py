"""For spreadsheets and notebooks: tidy CSV, one row per outcome; `audit.rows` says the columns."""

from __future__ import annotations

import csv
import io

from audit.report import AuditReport
from audit.rows import COLUMNS, Value, rows
from lowkey_core.errors import one_line

_FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula. A tab or a carriage return, which it
takes for one, too, is escaped."""


def build() -> Csv:
    """Takes no options."""
    return Csv()


class Csv:
    """RFC 4180 but for lines, which end in a newline. Numbers have all their digits."""

    suffix = ".csv"

    def __call__(self, report: AuditReport, /) -> str:
        """As `Format`. A text that a spreadsheet would compute has an apostrophe before it."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_cell(v) for v in row.values()] for row in rows(report))
        return file.getvalue()


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else repr(value)
    text = one_line(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
