"""Commands for photos of one's own: `check`, `protect`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import typer

from reports.console.commands import CACHE, RUNNING, VERBOSE, draw, log_if, say
from reports.console.options import given, with_choices

NOT_PROTECTED = 4
"""Exit code."""
JSON = typer.Option(
    False, "--json", help="Print the result as JSON on stdout.", rich_help_panel=RUNNING
)


@with_choices(only=("attack", "surrogate", "seed"))
def check(
    photos: Path = typer.Argument(help="One person's photos, or a sub-folder per person."),
    cloaked: Optional[str] = typer.Option(
        None, help="Folder of cloaked copies; without it, copies are made with --attack."
    ),
    world: Optional[str] = typer.Option(
        None, help="Data set of everybody else. [lfw where it is at hand, else synthetic]"
    ),
    recogniser: Optional[list[str]] = typer.Option(
        None, help="Who searches; the first is retrained. [all that are here]"
    ),
    pairs: bool = typer.Option(
        False, "--pairs", help="Also how like each cloaked photo is to its own original."
    ),
    out: Optional[Path] = typer.Option(None, help="Folder of the report. [runs/ATTACK-PLAN]"),
    cache: Optional[Path] = CACHE,
    json: bool = JSON,
    verbose: bool = VERBOSE,
    **flags: Any,
) -> None:
    """Check your own photos: are you found in them, once others of you are cloaked?"""
    log_if(verbose)
    from audit import session
    from reports.console.progress import Progress

    with Progress() as progress:
        asked = given({**flags, "cloaked": cloaked, "world": world, "recogniser": recogniser})
        made = session.check(photos, asked, cache, progress.show)
        with session.begin(made, out, cache) as begun:
            found = begun.run(progress.show, progress.expect)
            beside = begun.pairs(progress.show) if pairs else ()
    from reports.console.check import beside_originals, rendered

    draw(rendered(found, [beside_originals(beside)] if pairs else []))
    say(f"every figure: `report {begun.folder}`")
    if json:
        print(found.model_dump_json(indent=1, ensure_ascii=True))


@with_choices(only=("attack", "surrogate", "seed"))
def protect(
    photos: list[Path] = typer.Argument(help="Photos, or folders of them."),
    out: Path = typer.Option(help="Folder for the cloaked copies; a folder's tree is mirrored."),
    faces: str = typer.Option(
        "all", help="all, largest (of each photo), or mine: of whoever is in most photos."
    ),
    strength: float = typer.Option(1.0, help="Share of the cloak's change to apply, 0 to 1."),
    format: str = typer.Option("png", help="Of the copies: png, jpeg, or same (a JPEG stays one)."),
    quality: Optional[int] = typer.Option(
        None, help="Of JPEG copies, 1 to 100. [95; with same the photo's own]"
    ),
    preview: bool = typer.Option(False, help="Also photo, copy and difference, side by side."),
    frames: bool = typer.Option(
        False, "--frames", help="Cloak animations, frame by frame, as animated PNG."
    ),
    cache: Optional[Path] = CACHE,
    json: bool = JSON,
    verbose: bool = VERBOSE,
    **flags: Any,
) -> None:
    """Write cloaked copies of photos: faces changed, other pixels kept, metadata left behind.

    Exit code 4 if a picture was not protected: it is named first."""
    log_if(verbose)
    from audit import choices, session

    made = choices.make(given=given(flags))
    from lowkey_core.publish.settings import Settings

    settings = Settings(faces, strength, format, quality, preview, frames)
    from reports.console import outcomes
    from reports.console.progress import Progress

    with Progress() as progress:
        became = []
        for outcome in session.protect(photos, out, made, settings, cache, progress.show):
            became.append(outcome)
            if outcome.status != outcomes.OTHER:
                progress.say(outcomes.line(outcome))
    say(*outcomes.summary(became, out))
    if json:
        print(outcomes.as_json(became))
    raise typer.Exit(NOT_PROTECTED if outcomes.unprotected(became) else 0)
