"""`web`: the command. Nothing heavy is imported before it runs, so that `--help` needs no Flask."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Optional

import typer

from lowkey_core.errors import OptionError
from reports.console.commands import RUNNING, say
from reports.console.options import given, with_choices
from web.limits import Limits

USUAL = Limits()
LIMITS = "More: limits"
ATTACKS = ("lowkey", "lowkey:small", "veil")
"""Cloaks to choose from where none is named."""


@with_choices(only=("attack", "surrogate", "seed"))
def web(
    port: int = typer.Option(5000, min=1, max=65535, help="Of the address that is opened."),
    host: str = typer.Option(
        "127.0.0.1",
        help="Address to listen on. Any but this machine's own lets others in; then an access "
        "token is asked for, and printed once.",
    ),
    name: Optional[list[str]] = typer.Option(
        None, help="Further host name of this server. May be repeated."
    ),
    world: Optional[str] = typer.Option(
        None,
        help='Everybody else, for "Does it help?". [lfw where it is at hand, else synthetic]',
    ),
    recogniser: Optional[list[str]] = typer.Option(
        None, help="Who compares and searches. [all that are here]"
    ),
    folder: Optional[Path] = typer.Option(
        None, help="For photos while they are here. [a temporary one]", rich_help_panel=RUNNING
    ),
    jobs: int = typer.Option(
        1, min=1, max=64, help="Photos and checks at once.", rich_help_panel=RUNNING
    ),
    photos: int = typer.Option(
        USUAL.photos, min=1, help="That one person may send.", rich_help_panel=LIMITS
    ),
    people: int = typer.Option(
        USUAL.sessions, min=1, help="With photos here, at once.", rich_help_panel=LIMITS
    ),
    megabytes: int = typer.Option(
        USUAL.file_bytes // 10**6, min=1, max=100, help="Of one photo.", rich_help_panel=LIMITS
    ),
    megapixels: int = typer.Option(
        USUAL.pixels // 10**6, min=1, max=64, help="Of one photo.", rich_help_panel=LIMITS
    ),
    minutes: float = typer.Option(
        USUAL.seconds / 60,
        min=1,
        help="After which photos are deleted that nobody looks at.",
        rich_help_panel=LIMITS,
    ),
    **flags: Any,
) -> None:
    """Serve a page on this machine that cloaks photos, and tells what that is worth."""
    for package in ("flask", "waitress"):
        if find_spec(package) is None:
            raise OptionError(
                f"{package} is not installed",
                expected="what the web tool is made with",
                remedy="pip install 'lowkey-audit[web]'",
            )
    from audit.session import cache_folder
    from lowkey_core.work import runtime
    from web.engine import Engine
    from web.serving import Where, serve

    runtime.tune()
    asked = given({**flags, "recogniser": recogniser})
    attacks = tuple(asked.pop("attack", ATTACKS))
    searching = asked.pop("recogniser", None)
    engine = Engine(
        attacks,
        asked,
        None if searching is None else tuple(searching),
        {} if world is None else {"world": world},
        cache_folder(),
    )
    limits = Limits(
        photos=photos,
        sessions=people,
        file_bytes=megabytes * 10**6,
        request_bytes=max(USUAL.request_bytes, megabytes * 10**6 + 10**6),
        pixels=megapixels * 10**6,
        seconds=minutes * 60,
    )
    serve(Where(host, port, frozenset(name or ()), folder), limits, jobs, engine, say)
