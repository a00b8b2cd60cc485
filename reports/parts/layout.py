"""What tables are made of."""

from __future__ import annotations

from dataclasses import dataclass

from audit.outcomes import Rate
from lowkey_core.errors import one_line

NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Table:
    """Cells are plain text, never markup."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def printable(table: Table) -> Table:
    """The table, with whatever cannot be printed escaped."""
    return Table(
        one_line(table.title),
        tuple(map(one_line, table.columns)),
        tuple(tuple(map(one_line, row)) for row in table.rows),
        one_line(table.note),
    )


def rate(value: Rate) -> str:
    """`0.96 [0.89, 0.99]`."""
    if value.value is None:
        return "-"
    low, high = value.interval
    return f"{value.value:.2f} [{low:.2f}, {high:.2f}]"
