"""`audit --shard 3/8` makes a part of the cloaks; `merge` measures what the shards have made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from reports.console.commands import CACHE, FACES, RUNNING, VERBOSE, agrees, log_if, say
from reports.console.photos import JSON
from reports.console.services import NETWORK
from reports.console.workers import WORKERS
from reports.console.workers import chosen as chosen_workers

if TYPE_CHECKING:  # torch takes seconds to import
    from audit.plan import AuditPlan
    from audit.shards import Shard

SHARD = typer.Option(
    None,
    help="Make only a part of the cloaks, as 3/8, for `merge` to measure: see docs/scale.md.",
    rich_help_panel=RUNNING,
)
_OF_REPORTS = ("gate", "baseline", "json", "include_faces", "format", "dry_run", "allow_network")
"""Options of `audit` about searches and the report, of which a shard has none."""


def chosen(text: str | None, resume: Path | None, given: Sequence[str]) -> Shard | None:
    """Which shard this is: as given, or as the run to resume noted; None: the whole audit.

    given: the options of the command line. Raises: OptionError.
    """
    from audit import runs, shards
    from lowkey_core.errors import OptionError, setting

    noted = runs.started(resume).shard if resume and (resume / runs.PLAN).is_file() else ""
    if not (text or noted):
        return None
    if wrong := [option for option in given if option in _OF_REPORTS]:
        raise OptionError(
            f"{setting(wrong[0])} was given for a shard, which searches nobody and has no report",
            expected="cloaks to make: `merge` searches and writes the report, `gate` judges it",
            remedy="leave it out here",
        )
    if "workers" in given:
        raise OptionError(
            f"{setting('workers')} was given for a shard",
            expected="one of the two ways to divide the work",
            remedy="leave it out here, and give it to `merge`; or to an audit without shards",
        )
    return shards.parsed(text or noted)


def cloaked(plan: AuditPlan, shard: Shard, folder: Path | None, cache: Path | None) -> None:
    """Makes a shard's part. Raises: any AuditError."""
    from audit import session
    from reports.console.progress import Progress

    with session.begin(plan, folder, cache, shard) as begun, Progress() as progress:
        batches = begun.cloak(shard, progress.show)
    say(f"shard {shard} is done: {batches} batches of pictures, kept in {begun.cache}")
    say(f"when all {shard.of} are: merge {begun.folder} ... --out FOLDER")


def merge(
    runs: list[Path] = typer.Argument(help="The folders of all shards of one audit."),
    out: Optional[Path] = typer.Option(None, help="Folder of the report. [runs/ATTACK-PLAN]"),
    trust: bool = typer.Option(
        False, "--trust", help="Do not ask: run the programs that the shards' plan names."
    ),
    format: list[str] = typer.Option(
        ["markdown"], help="Of the report's files: see `list reports`. May be repeated."
    ),
    include_faces: bool = FACES,
    allow_network: bool = NETWORK,
    workers: Optional[str] = WORKERS,
    cache: Optional[Path] = CACHE,
    json: bool = JSON,
    verbose: bool = VERBOSE,
) -> None:
    """Measure an audit whose cloaks were made by `audit --shard`; the report is the whole audit's.

    Exit code 0 done, 3 inconclusive.
    """
    log_if(verbose)
    from audit import shards
    from audit.trust import confirm
    from reports.console.running import reported

    helpers = chosen_workers(workers)
    plan = shards.merged(runs)
    if not trust:
        confirm(plan, {}, runs[0], say, partial(agrees, "Run them?"))
    shown: dict[str, Any] = {
        "faces": include_faces,
        "json": json,
        "network": allow_network,
        "workers": helpers,
    }
    found = reported(plan, out, cache, format, **shown)
    raise typer.Exit(3 if found.verdict == "inconclusive" else 0)
