"""What tables are made of."""

from __future__ import annotations

from dataclasses import dataclass

from audit.outcomes import Rate

NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Table:
    """Cells are plain text, never markup."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def rate(value: Rate) -> str:
    """`0.96 [0.89, 0.99]`."""
    if value.value is None:
        return "-"
    low, high = value.interval
    return f"{value.value:.2f} [{low:.2f}, {high:.2f}]"
