"""Commands on finished runs: `gate`, `compare`, `badge`."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer

from reports.console.commands import show

POLICY = typer.Option(help="A TOML file of conditions: see docs/gates.md.")
RUN = typer.Argument(help="A run's folder, or its report.json.")
BASELINE = typer.Option(None, help="The run of the last release, for conditions with no_worse_by.")
JSON = typer.Option(False, "--json", help="Print the result as JSON on stdout.")


def gate_run(
    run: Path = RUN,
    policy: Path = POLICY,
    baseline: Optional[Path] = BASELINE,
    json: bool = JSON,
) -> None:
    """Judge a finished run by a policy. Exit code 0 pass, 1 fail, 2 error, 3 inconclusive."""
    from audit.report import read
    from reports.console.gate import Gate, as_json

    judging, found = Gate(policy, baseline), read(run)
    verdict = judging.judge(found)
    if json:
        print(as_json(verdict))
    else:
        show(judging.lines(verdict, found))
    raise typer.Exit(verdict.code)


def compare_runs(
    runs: list[Path] = typer.Argument(
        help="Runs' folders; the first is what others are compared with."
    ),
    format: str = typer.Option("markdown", help="markdown, csv or json."),
) -> None:
    """Cloaks or releases side by side: protection, and the difference on the same probes."""
    from audit.report import read
    from reports.console.side_by_side import compared, written

    show_text(written(compared([(str(run), read(run)) for run in runs]), format))


def badge(
    run: Path = RUN,
    policy: Path = POLICY,
    baseline: Optional[Path] = BASELINE,
    format: str = typer.Option("svg", help="svg, or json: what shields.io's endpoint reads."),
) -> None:
    """A badge that says what a gate says. Exit code 0 whatever it says, as it is a picture."""
    from audit.report import read
    from reports.console.badge import drawn
    from reports.console.gate import Gate

    judging, found = Gate(policy, baseline), read(run)
    show_text(drawn(judging.judge(found), format))


def show_text(text: str) -> None:
    """What is escaped already, as it is."""
    import sys

    sys.stdout.buffer.write(text.encode())
