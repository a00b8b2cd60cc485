"""Commands beside `audit` and `protect`: earlier runs, weight files, networks of our own."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Optional

import typer

from lowkey_core.errors import one_line
from reports.console.help import group

BAD_INPUT = 2
RUNNING = "More: running"
CACHE: Any = typer.Option(
    None, help="Folder for finished work. [~/.cache/lowkey-audit]", rich_help_panel=RUNNING
)
VERBOSE = typer.Option(
    False,
    "--verbose",
    help="Log on stderr what is done, and where it is kept.",
    rich_help_panel=RUNNING,
)
ACCEPTED = typer.Option(
    False, "--accept-licence", help="Do not ask: I have read the licence and accept it."
)
FACES = typer.Option(
    False,
    "--include-faces",
    help="Reports may show faces of real people: HTML pages do. Those of people who do not exist "
    "are always shown.",
)
TRAINING = typer.Option(Path("training"), "--out", help="Folder for checkpoints and the result.")


runs = group("What was audited before.")
models = group("Weight files: list them, fetch them, verify them.")
photos = group("Data sets of others: fetch them.")
zoo = group("The small recognisers that ship with this project.")
synthetic = group("SynthFaces, people who do not exist.")
kept = group("Finished work that is kept: how much there is, and how to be rid of it.")
GROUPS = {
    "runs": runs,
    "models": models,
    "datasets": photos,
    "cache": kept,
    "zoo": zoo,
    "synthetic": synthetic,
}


@runs.command("list")
def list_runs(
    folder: Path = typer.Argument(Path("runs"), help="Where the runs are."),
    format: str = typer.Option("plain", help="plain, markdown, csv or json."),
) -> None:
    """A line per run: name, date, attack, adversaries, data set, verdict, least protection."""
    from reports.console.runs import listed

    show(listed(folder, format))


@runs.command("html")
def runs_page(
    folder: Path = typer.Argument(Path("runs"), help="Where the runs are."),
    out: Path = typer.Option(Path("runs.html"), help="The page's file."),
) -> None:
    """A page of all runs, to sort and to filter; it needs no server, and leads to each report.html
    that is there."""
    from reports.console.runs_page import write

    say(f"{out}: {write(folder, out)} runs")


@kept.command("size")
def cache_size(cache: Optional[Path] = CACHE) -> None:
    """How much is kept, and how much of it shows faces."""
    from audit.session import cache_folder
    from lowkey_core.work import storage

    folder = cache or cache_folder()
    all_of_it, faces = storage.size(folder), storage.size(folder, faces=True)
    show([f"{folder}: {all_of_it}; {faces} of them with faces"])


@kept.command("clear")
def cache_clear(
    faces: bool = typer.Option(
        False, "--faces", help="Only aligned faces, and photos that a program cloaked."
    ),
    cache: Optional[Path] = CACHE,
) -> None:
    """Remove finished work. Nothing is lost but the time that it takes to make it again."""
    from audit.session import cache_folder
    from lowkey_core.work import storage

    folder = cache or cache_folder()
    show([f"{folder}: removed {storage.clear(folder, faces=faces)}"])


@models.command("list")
def list_models() -> None:
    """Every weight file an audit may use, and whether it is here."""
    from audit.models import listed

    show(listed())


@models.command("fetch")
def fetch_model(
    name: str = typer.Argument(
        help="See `models list`; all-free: every file whose licence allows any use."
    ),
    accept_licence: bool = ACCEPTED,
) -> None:
    """Download a weight file. But for this, `datasets fetch` and services that an audit is allowed
    to ask, nothing here uses a network."""
    from audit.fetching import fetch

    ask = None if accept_licence else partial(agrees, "Fetch it under these terms?")
    if not fetch(name, say, ask):
        raise typer.Exit(BAD_INPUT)


@models.command("verify")
def verify_models(
    name: Optional[str] = typer.Argument(None, help="One of `models list`; all without."),
) -> None:
    """Hash again what is here. Exit code 2 if anything is tampered or cannot be read."""
    from audit.models import verified

    states = list(verified(name))
    show(f"{what}  {state}" for what, state in states)
    raise typer.Exit(BAD_INPUT if any(s in ("tampered", "unreadable") for _, s in states) else 0)


@photos.command("fetch")
def fetch_photos(
    name: str = typer.Argument(help="lfw: Labeled Faces in the Wild."),
    accept_licence: bool = ACCEPTED,
) -> None:
    """Download photos of people to be the others in `check` and `audit`, with scikit-learn."""
    from audit.fetching_lfw import fetch

    ask = None if accept_licence else partial(agrees, "Fetch it under these terms?")
    if not fetch(name, say, ask):
        raise typer.Exit(BAD_INPUT)


@zoo.command("train")
def train_zoo(
    name: str = typer.Argument(help="A member, as zoo:mobile."),
    out: Path = TRAINING,
    cache: Optional[Path] = CACHE,
    verbose: bool = VERBOSE,
) -> None:
    """Train a member of the zoo by its recipe; needs LFW. The same command resumes."""
    _train(name, out, cache, verbose)


@synthetic.command("train")
def train_synthetic(
    out: Path = TRAINING, cache: Optional[Path] = CACHE, verbose: bool = VERBOSE
) -> None:
    """Train the generator of SynthFaces by its recipe; needs LFW. The same command resumes."""
    _train("synthfaces", out, cache, verbose)


def _train(name: str, out: Path, cache: Path | None, verbose: bool) -> None:
    log_if(verbose)
    from audit import session
    from reports.console.progress import Progress

    with Progress() as progress:
        made = session.train(name, out, cache, progress.show)
    say(f"trained: {made}")


def show_report(
    run: Path = typer.Argument(help="A run's folder, or its report.json."),
    format: list[str] = typer.Option(["terminal"], help="See `list reports`. May be repeated."),
    out: Optional[Path] = typer.Option(
        None, help="Folder for files. [on stdout; several formats beside report.json]"
    ),
    include_faces: bool = FACES,
) -> None:
    """Show a stored report again: one format on stdout, several as files, report.SUFFIX each."""
    from audit.report import read
    from reports import render, with_faces
    from reports.parts.files import names, write

    found, format = read(run), with_faces(format, include_faces)
    if out is None and len(format) == 1:
        shown = render(format[0], found)
        sys.stdout.buffer.write(shown if isinstance(shown, bytes) else shown.encode())
        return
    beside = run if run.is_dir() else run.parent
    show(str(path) for path in write(names(format), found, out or beside))


def list_names(kind: str = typer.Argument(help="attacks, adversaries, recognisers, ...")) -> None:
    """What there is to choose from."""
    from reports.console.listings import names

    show(names(kind))


def agrees(question: str) -> bool | None:
    """Whether the user does; None where nobody is there to ask."""
    return typer.confirm(question, err=True) if sys.stdin.isatty() else None


def show(lines: Iterable[str]) -> None:
    """Results, on stdout. What cannot be printed is escaped, here and in `say`: names may be
    anybody's."""
    for line in lines:
        print(one_line(line))


def say(*lines: str) -> None:
    """What is for people, on stderr."""
    for line in lines:
        print(one_line(line), file=sys.stderr, flush=True)


def draw(rendered: str | bytes) -> None:
    """A rendered report, on stderr: its names are escaped already."""
    text = rendered if isinstance(rendered, str) else rendered.decode(errors="replace")
    print(text, file=sys.stderr, flush=True)


def log_if(verbose: bool) -> None:
    """Shows the log from here on, if it is asked for; else its warnings."""
    from lowkey_core.work import logs

    logs.show(logging.INFO if verbose else logging.WARNING)
