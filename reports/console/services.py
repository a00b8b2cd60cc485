"""Commercial services: leave to ask them, and commands about what is left at them."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer

from reports.console.commands import BAD_INPUT, CACHE, RUNNING, say, show
from reports.console.help import group

NETWORK = typer.Option(
    False,
    "--allow-network",
    help="Recognisers that are commercial services are sent photos; the people in them agreed. "
    "--dry-run says how many, and sends none: see docs/services.md.",
    rich_help_panel=RUNNING,
)
services = group("Collections of faces at commercial services: which are left; delete them.")


@services.command("list")
def list_collections(cache: Optional[Path] = CACHE) -> None:
    """Collections that audits made and did not delete: interrupted, or at work. Asks nobody."""
    from audit.services import listed
    from audit.session import cache_folder

    show(listed(cache or cache_folder()))


@services.command("clean")
def clean_collections(cache: Optional[Path] = CACHE) -> None:
    """Delete what is left at services, over the network. Exit code 2 if anything stays."""
    from audit.services import clean
    from audit.session import cache_folder

    if not clean(cache or cache_folder(), say):
        raise typer.Exit(BAD_INPUT)
