"""The command line: parse, call, print, exit code. No logic. Heavy imports inside commands.

Exit codes: 0 done, 1 a gate fails, 2 usage or bad input, 3 inconclusive, 4 some photos not
protected, 130 interrupted.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Optional

import typer

from reports.console import shards
from reports.console import workers as helpers
from reports.console.commands import (
    CACHE,
    FACES,
    GROUPS,
    RUNNING,
    VERBOSE,
    agrees,
    list_names,
    log_if,
    say,
    show,
    show_report,
)
from reports.console.help import group
from reports.console.judging import BASELINE, badge, compare_runs, gate_run
from reports.console.options import given, on_the_line, with_choices
from reports.console.photos import JSON, check, protect
from reports.console.process import to_the_end
from reports.console.services import NETWORK, services
from web.command import web

INCONCLUSIVE = 3
app = group("Does this face cloak still protect anyone?")
for name, commands in (GROUPS | {"services": services}).items():
    app.add_typer(commands, name=name)


@app.command()
@with_choices()
def audit(
    context: typer.Context,
    preset: str = typer.Option("offline", help="offline, quick, standard or thorough."),
    plan: Optional[Path] = typer.Option(None, help="A TOML file: see docs/plan.md."),
    out: Optional[Path] = typer.Option(None, help="Folder of the report. [runs/ATTACK-PLAN]"),
    resume: Optional[Path] = typer.Option(
        None, help="A run's folder: go on with its plan, there.", rich_help_panel=RUNNING
    ),
    trust: bool = typer.Option(
        False,
        "--trust",
        help="Do not ask: run the programs that the plan or the run names (.py, .pt, .onnx, "
        "command).",
        rich_help_panel=RUNNING,
    ),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Say what there is to do, and how long it takes; do not do it."
    ),
    allow_network: bool = NETWORK,
    format: list[str] = typer.Option(
        ["markdown"], help="Of the report's files: see `list reports`. May be repeated."
    ),
    include_faces: bool = FACES,
    gate: Optional[Path] = typer.Option(
        None, help="Judge what is found by this policy: exit code 0 pass, 1 fail, 3 inconclusive."
    ),
    baseline: Optional[Path] = BASELINE,
    shard: Optional[str] = shards.SHARD,
    workers: Optional[str] = helpers.WORKERS,
    cache: Optional[Path] = CACHE,
    json: bool = JSON,
    verbose: bool = VERBOSE,
    **flags: Any,
) -> None:
    """Cloak a gallery, let an adversary build recognition from it, report what protection holds."""
    log_if(verbose)
    from audit import choices, presets, session, statistics
    from audit import runs as earlier
    from audit.trust import confirm

    part, helping = shards.chosen(shard, resume, on_the_line(context)), helpers.chosen(workers)
    if resume:
        made = earlier.resumed(resume, on_the_line(context))
        title = f"resuming {resume}"
    else:
        made = choices.make(preset, plan, given(flags))
        title = f"{preset} ({presets.cost(preset, made.people.seeds)})"
    if (source := resume or plan) and not trust:
        confirm(made, given(flags), source, say, partial(agrees, "Run them?"))
    from reports.console.gate import begun as gated

    judging = gated(gate, baseline, made)
    people = made.people
    say(f"{title}; {statistics.power(people.protected, people.probes, people.seeds)}")
    say(statistics.comparing(people.protected, people.probes))
    from reports.console.progress import Progress

    if dry_run:
        from reports.console.forecast import lines

        with Progress() as progress:
            foreseen = session.foresee(made, cache, progress.show, helping)
        show(lines(foreseen))
        return
    if part:
        shards.cloaked(made, part, resume or out, cache)
        return
    from reports.console.running import reported

    shown: dict[str, Any] = {
        "faces": include_faces,
        "json": json,
        "network": allow_network,
        "workers": helping,
    }
    found = reported(made, resume or out, cache, format, **shown)
    if judging:
        verdict = judging.judge(found)
        say(*judging.lines(verdict, found))
        raise typer.Exit(verdict.code)
    raise typer.Exit(INCONCLUSIVE if found.verdict == "inconclusive" else 0)


app.command("check")(check)
app.command("protect")(protect)
app.command("report")(show_report)
app.command("list")(list_names)
app.command("gate")(gate_run)
app.command("merge")(shards.merge)
app.command("compare")(compare_runs)
app.command("badge")(badge)
app.command("web")(web)


def main() -> None:
    """Runs the command; problems the user can act on become one line and exit code 2."""
    to_the_end(app)


if __name__ == "__main__":
    main()
