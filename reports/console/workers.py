"""`--workers`: other processes that help."""

from __future__ import annotations

from typing import Any

import typer

from lowkey_core.workers.names import parsed
from reports.console.commands import RUNNING

WORKERS: Any = typer.Option(
    None,
    help="How many processes help, or tcp://HOST:PORT of a Dask cluster to join: see "
    "docs/scale.md.",
    rich_help_panel=RUNNING,
)


def chosen(text: str | None) -> int | str | None:
    """As `audit.working.Workers`. Raises: OptionError."""
    return None if text is None else parsed(text)
