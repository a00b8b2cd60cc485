"""The command line: parse, call, print, exit code. No logic. Heavy imports inside commands.

Exit codes: 0 done, 2 usage or bad input, 3 inconclusive, 130 interrupted.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, Optional

import typer

from lowkey_core import plugins
from lowkey_core.errors import AuditError, one_line
from lowkey_core.work.files import explained

log = logging.getLogger("cli")

INCONCLUSIVE, BAD_INPUT, INTERRUPTED = 3, 2, 130

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Does this face cloak still protect anyone?",
)
runs = typer.Typer(no_args_is_help=True, help="What was audited before.")
app.add_typer(runs, name="runs")

VERBOSE = typer.Option(False, "--verbose", help="Log on stderr what is done, and where it is kept.")
"""For any command: declare `verbose: bool = VERBOSE`, and begin with `_log(verbose)`."""
models = typer.Typer(no_args_is_help=True, help="Weight files: list them, fetch them, verify them.")
app.add_typer(models, name="models")
zoo = typer.Typer(no_args_is_help=True, help="The small recognisers that ship with this project.")
app.add_typer(zoo, name="zoo")
synthetic = typer.Typer(no_args_is_help=True, help="SynthFaces, the people who do not exist.")
app.add_typer(synthetic, name="synthetic")

TRAINING = typer.Option(Path("training"), "--out", help="Folder for checkpoints and the result.")
"""Of both commands that train."""


def _many(help_text: str) -> Any:
    return _one(help_text + " Repeat, or separate by commas.")


def _one(help_text: str) -> Any:
    # Escaped, or the help would take a default in brackets for markup, and swallow it.
    return typer.Option(None, help=help_text.replace("[", "\\["), show_default=False)


CACHE = _one("Folder for finished work. [~/.cache/lowkey-audit]")


@app.command()
def audit(
    context: typer.Context,
    attack: Optional[str] = _one("The cloak: see `list attacks`, or a .py file. [lowkey]"),
    attack_option: Optional[list[str]] = _many("A setting of the cloak, as steps=50."),
    cloaked: Optional[str] = _one("Folder of cloaked copies, for --attack folder."),
    adversary: Optional[list[str]] = _many("See `list adversaries`, or a .py file. [adaptive]"),
    dataset: Optional[str] = _one(
        "See `list datasets`, a folder with a sub-folder per person, or a table.csv. [synthetic]"
    ),
    distractor_dataset: Optional[list[str]] = _one(
        "Likewise, or a folder of loose pictures: each is one more stranger. May be repeated."
    ),
    surrogate: Optional[list[str]] = _many(
        "Recognisers the cloak works against: see `list recognisers`, or a .pt or .py file."
    ),
    recogniser: Optional[list[str]] = _many(
        "Recognisers of the adversary, also .pt, .onnx or .py files; the first is retrained."
    ),
    matcher: Optional[list[str]] = _many("nn, linear. [nn]"),
    transform: Optional[list[str]] = _many(
        "Besides none, jpeg:75 and jpeg:30: see `list transforms`."
    ),
    condition: Optional[list[str]] = _many("all protect themselves at once, or one at a time."),
    cloaked_share: Optional[float] = _one("Share of a protected gallery that is cloaked. [1]"),
    flagged: Optional[str] = _one("What a detector does with what it flags: drop or keep. [drop]"),
    ranks: Optional[list[str]] = _many("[1,5,10,50]"),
    protected: Optional[int] = _one("Identities who cloak."),
    probes: Optional[int] = _one("Clean pictures of each to identify."),
    gallery: Optional[int] = _one("Published pictures of each identity, at most."),
    background: Optional[int] = _one("Identities the adversary learns from."),
    others: Optional[int] = _one("Unprotected identities with several pictures."),
    distractors: Optional[int] = _one("Unprotected identities with one picture."),
    epochs: Optional[int] = _one("Training passes of adversaries that learn."),
    seed: Optional[int] = _one("Of every random choice. [0]"),
    preset: str = typer.Option("offline", help="offline, quick, standard or thorough."),
    resume: Optional[Path] = _one("A run's folder: go on with its plan, there."),
    plan: Optional[Path] = _one("A TOML file with any of these."),
    out: Optional[Path] = _one("Folder for report.json and report.md. [runs/ATTACK-PLAN]"),
    cache: Optional[Path] = CACHE,
    json: bool = typer.Option(False, "--json", help="Print the report as JSON on stdout."),
    verbose: bool = VERBOSE,
) -> None:
    """Cloak a gallery, let an adversary build recognition from it, report what protection holds."""
    _log(verbose)
    from audit import plan as plans
    from audit import runs as earlier

    flags = {
        "attack": attack,
        "attack_options": _options(attack_option),
        "cloaked": cloaked,
        "adversaries": _split(adversary),
        "dataset": dataset,
        "distractor_datasets": distractor_dataset or None,
        "surrogates": _split(surrogate),
        "recognisers": _split(recogniser),
        "matchers": _split(matcher),
        "transforms": _split(transform),
        "conditions": _split(condition),
        "cloaked_share": cloaked_share,
        "flagged": flagged,
        "ranks": _split(ranks),
        "protected": protected,
        "probes": probes,
        "gallery": gallery,
        "background": background,
        "others": others,
        "distractors": distractors,
        "epochs": epochs,
        "seed": seed,
    }
    if resume:
        made = earlier.resumed(resume, _given(context))
        _say(f"resuming {one_line(str(resume))}; {plans.power(made)}")
    else:
        made = plans.make(preset, plan, flags)
        _say(f"{preset} ({plans.COSTS[preset]}); {plans.power(made)}")
    name = f"{Path(made.attack).stem.replace(':', '-')}-{made.digest}"
    folder, kept = resume or out or Path("runs") / name, cache or _cache_folder()
    earlier.begin(folder, made)  # whether we may write is better known now than after the work
    kept.mkdir(parents=True, exist_ok=True)
    log.info("finished work is kept in %s, the report goes to %s", kept, folder)

    from lowkey_core.work import runtime
    from lowkey_core.work.cache import Cache
    from lowkey_core.work.files import write_atomically
    from lowkey_core.work.work import Work

    runtime.tune()
    from audit.run import run_audit
    from reports import render
    from reports.console.progress import Progress

    with Progress() as progress:
        report = run_audit(made, Work(Cache(kept), progress.show))
    report.save(folder / "report.json")
    write_atomically(folder / "report.md", render("markdown", report).encode())
    _say(render("terminal", report))
    _say(one_line(f"report: {folder / 'report.md'} and report.json"))
    if json:
        print(report.model_dump_json(indent=1))
    raise typer.Exit(INCONCLUSIVE if report.verdict == "inconclusive" else 0)


@app.command()
def protect(
    photos: list[Path] = typer.Argument(help="Photos, or folders of them."),
    out: Path = typer.Option(help="Folder for the cloaked copies; a folder's tree is mirrored."),
    attack: Optional[str] = _one("The cloak: see `list attacks`, or a .py file. [lowkey]"),
    attack_option: Optional[list[str]] = _many("A setting of the cloak, as steps=50."),
    surrogate: Optional[list[str]] = _many("Recognisers the cloak works against."),
    faces: str = typer.Option("all", help="all, or the largest of each photo."),
    strength: float = typer.Option(1.0, help="Share of the cloak's change to apply, 0 to 1."),
    format: str = typer.Option("png", help="Of the copies: png or jpeg."),
    quality: Optional[int] = _one("Of JPEG copies, 1 to 100. [95]"),
    preview: bool = typer.Option(False, help="Also photo, copy and difference, side by side."),
    seed: Optional[int] = _one("Of every random choice. [0]"),
    cache: Optional[Path] = CACHE,
    json: bool = typer.Option(False, "--json", help="Print the outcomes as JSON on stdout."),
    verbose: bool = VERBOSE,
) -> None:
    """Write cloaked copies of photos: every face changed, everything else left as it is."""
    _log(verbose)
    from audit import plan as plans

    flags = {
        "attack": attack,
        "attack_options": _options(attack_option),
        "surrogates": _split(surrogate),
        "seed": seed,
    }
    made = plans.make(flags=flags)

    from lowkey_core.publish.protect import Settings
    from lowkey_core.work import runtime
    from lowkey_core.work.cache import Cache
    from lowkey_core.work.work import Work

    runtime.tune()
    from audit import protection
    from reports.console import outcomes
    from reports.console.progress import Progress

    settings = Settings(faces, strength, format, quality, preview)
    kept = cache or _cache_folder()
    for needed in (out, kept):
        needed.mkdir(parents=True, exist_ok=True)
    log.info("finished work is kept in %s, copies go to %s", kept, out)
    became = []
    with Progress() as progress:
        work = Work(Cache(kept), progress.show)
        for outcome in protection.protect(photos, out, made, settings, work):
            became.append(outcome)
            progress.say(outcomes.line(outcome))
        work.log_counts()
    _say(outcomes.summary(became, out))
    if json:
        print(outcomes.as_json(became))
    raise typer.Exit(BAD_INPUT if outcomes.failed(became) else 0)


@app.command()
def report(
    run: Path = typer.Argument(help="A run's folder, or its report.json."),
    format: str = typer.Option("terminal", help="See `list reports`."),
) -> None:
    """Show a stored report again."""
    from audit.report import read
    from reports import render

    print(render(format, read(run)), end="")


@app.command("list")
def list_names(
    what: str = typer.Argument(
        help="attacks, adversaries, recognisers, datasets, transforms, presets or reports."
    ),
) -> None:
    """What there is to choose from."""
    from audit.listing import names

    for line in names(what):
        print(line)


@runs.command("list")
def list_runs(
    folder: Path = typer.Argument(Path("runs"), help="Where the runs are."),
) -> None:
    """A line per run: name, date, attack, adversaries, data set, verdict, least protection."""
    from audit.runs import listing

    for line in listing(folder):
        print(line)


def _given(context: typer.Context) -> list[str]:
    """The options that stand on the command line."""
    return [
        option.opts[0]
        for option in context.command.params
        if (source := context.get_parameter_source(option.name or "")) is not None
        and source.name == "COMMANDLINE"
    ]


@models.command("list")
def list_models() -> None:
    """Every weight file an audit may use, and whether it is here."""
    from audit.models import listed

    for line in listed():
        print(line)


@models.command("fetch")
def fetch_model(
    name: str = typer.Argument(help="See `models list`."),
    accept_licence: bool = typer.Option(
        False, "--accept-licence", help="Do not ask: I have read the licence and accept it."
    ),
) -> None:
    """Download one weight file. Nothing else in this program uses a network."""
    from audit.models import find, terms
    from lowkey_core.errors import OptionError
    from lowkey_core.weights.download import fetch

    card = find(name)
    for line in terms(card):
        _say(line)
    if not accept_licence:
        if not sys.stdin.isatty():
            raise OptionError(
                "nobody is there to accept the licence",
                expected="a terminal, or --accept-licence",
                remedy="read the licence, then give the option",
            )
        if not typer.confirm("Fetch it under these terms?", err=True):
            _say("nothing was fetched")
            raise typer.Exit(BAD_INPUT)
    fetch(card, _say)


@models.command("verify")
def verify_models(
    name: Optional[str] = typer.Argument(None, help="One of `models list`; all without."),
) -> None:
    """Hash again what is here. Exit code 2 if anything is tampered or cannot be read."""
    from audit.models import verified

    states = list(verified(name))
    for what, state in states:
        print(f"{what}  {state}")
    raise typer.Exit(BAD_INPUT if any(s in ("tampered", "unreadable") for _, s in states) else 0)


@zoo.command("train")
def train_zoo(
    name: str = typer.Argument(help="A member, as zoo:mobile."),
    out: Path = TRAINING,
    cache: Optional[Path] = CACHE,
    verbose: bool = VERBOSE,
) -> None:
    """Train a member of the zoo by its recipe; needs LFW. The same command resumes."""
    _log(verbose)
    _train(name, out, cache)


@synthetic.command("train")
def train_synthetic(
    out: Path = TRAINING,
    cache: Optional[Path] = CACHE,
    verbose: bool = VERBOSE,
) -> None:
    """Train the painter of SynthFaces by its recipe; needs LFW. The same command
    resumes."""
    _log(verbose)
    _train("synthfaces", out, cache)


def _train(name: str, out: Path, cache: Path | None) -> None:
    from lowkey_core.work import runtime
    from lowkey_core.work.cache import Cache
    from lowkey_core.work.work import Work

    runtime.tune()
    from lowkey_core.training.recipes import train
    from reports.console.progress import Progress

    with Progress() as progress:
        made = train(name, out, Work(Cache(cache or _cache_folder()), progress.show))
    _say(one_line(f"trained: {made}"))


def _split(values: list[str] | None) -> tuple[str, ...] | None:
    """Repeated options and comma-separated ones are the same thing."""
    return tuple(v.strip() for value in values for v in value.split(",")) if values else None


def _options(given: list[str] | None) -> dict[str, str] | None:
    return dict(o.partition("=")[::2] for o in _split(given) or []) or None


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("LOWKEY_AUDIT_CACHE") or Path(base) / "lowkey-audit")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _log(verbose: bool) -> None:
    if verbose:
        from lowkey_core.work import logs

        logs.show()


def main() -> None:
    """Runs the command; problems the user can act on become one line and exit code 2."""
    signal.signal(signal.SIGINT, _interrupted)
    try:
        with explained(), plugins.blame():
            try:
                app()
            finally:
                _flush()
    except AuditError as error:
        log.info("where it was raised", exc_info=error)
        _say(f"error: {error}")
        raise SystemExit(BAD_INPUT) from None


def _flush() -> None:
    """A full disk is told here, and not once more by Python on its way out."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # a reader that has seen enough
            raise


def _interrupted(*_: object) -> None:
    _say("interrupted; the same command resumes")
    raise plugins.Interrupted(INTERRUPTED)


if __name__ == "__main__":
    main()
