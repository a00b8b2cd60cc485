"""For people at a terminal: rich tables, the answers first."""

from __future__ import annotations

import io
import shutil
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from audit.report import AuditReport
from reports.parts import layout, tables


def build() -> Terminal:
    """Takes no options."""
    return Terminal()


class Terminal:
    """Text, with colours where stderr is a terminal."""

    suffix = ".txt"

    def __call__(self, report: AuditReport, /) -> str:
        """As `Format`."""
        return render(report)


def render(report: AuditReport) -> str:
    """The whole report but its last table, on networks."""
    file = io.StringIO()
    console = _console(file)
    console.print(Text(tables.headline(report), style="bold"))
    failed = report.verdict == "inconclusive"
    console.print(Text(tables.verdict(report), style="bold red" if failed else ""))
    doubts = tables.caveats(report)
    for caveat in doubts:
        if caveat.blocking:
            console.print(Text(f"! {caveat.text}", style="red"))
    for table in tables.tables(report)[:-1]:
        _print(console, table)
    for caveat in doubts:
        if not caveat.blocking:
            console.print(Text(f"- {caveat.text}", style="yellow"))
    return file.getvalue()


def draw_table(table: layout.Table) -> str:
    """One table; "" if it is empty."""
    file = io.StringIO()
    _print(_console(file), table)
    return file.getvalue()


def _console(file: io.StringIO) -> Console:
    terminal = sys.stderr.isatty()
    width = shutil.get_terminal_size((150, 40)).columns if terminal else 150
    return Console(file=file, width=width, force_terminal=terminal, highlight=False)


def _print(console: Console, table: layout.Table) -> None:
    if table.rows:
        console.print(_rich(table))
        console.print(Text(table.note, style="dim")) if table.note else None


def _rich(table: layout.Table) -> Table:
    laid_out = Table(title=Text(table.title), title_justify="left", title_style="bold")
    for column in table.columns:
        laid_out.add_column(Text(column), overflow="fold")
    for row in table.rows:
        laid_out.add_row(*(Text(cell) for cell in row))  # Text: names may hold [brackets]
    return laid_out
