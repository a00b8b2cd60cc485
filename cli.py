"""The command line: parse, call, print, exit code. No logic. Heavy imports inside commands.

Exit codes: 0 done, 2 usage or bad input, 3 inconclusive, 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any, Optional

import typer

INCONCLUSIVE, BAD_INPUT, INTERRUPTED = 3, 2, 130

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Does this face cloak still protect anyone?",
)
models = typer.Typer(no_args_is_help=True, help="Weight files: list them, fetch them, verify them.")
app.add_typer(models, name="models")


def _many(help_text: str) -> Any:
    return typer.Option(
        None, help=help_text + " Repeat, or separate by commas.", show_default=False
    )


def _one(help_text: str) -> Any:
    return typer.Option(None, help=help_text, show_default=False)


@app.command()
def audit(
    attack: Optional[str] = _one("The cloak: see `list attacks`, or a .py file. [lowkey]"),
    attack_option: Optional[list[str]] = _many("A setting of the cloak, as steps=50."),
    adversary: Optional[list[str]] = _many("See `list adversaries`, or a .py file. [adaptive]"),
    dataset: Optional[str] = _one(
        "See `list datasets`, or a folder with a sub-folder per person. [lfw]"
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
    preset: str = typer.Option("standard", help="quick, standard or thorough."),
    plan: Optional[Path] = _one("A TOML file with any of these."),
    out: Optional[Path] = _one("Folder for report.json and report.md. [runs/ATTACK-PLAN]"),
    cache: Optional[Path] = _one("Folder for finished work. [~/.cache/lowkey-audit]"),
    json: bool = typer.Option(False, "--json", help="Print the report as JSON on stdout."),
) -> None:
    """Cloak a gallery, let an adversary build recognition from it, report what protection holds."""
    from audit import plan as plans

    flags = {
        "attack": attack,
        "attack_options": dict(o.partition("=")[::2] for o in _split(attack_option) or []) or None,
        "adversaries": _split(adversary),
        "dataset": dataset,
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
    made = plans.make(preset, plan, flags)
    _say(f"{preset} ({plans.COSTS[preset]}); {plans.power(made)}")

    from lowkey_core import plugins, runtime
    from lowkey_core.cache import Cache, Work
    from lowkey_core.files import write_atomically

    runtime.tune()
    from audit.run import run_audit
    from reports._progress import Progress

    folder = out or Path("runs") / f"{Path(made.attack).stem.replace(':', '-')}-{made.digest}"
    kept = cache or _cache_folder()
    for needed in (folder, kept):  # better now than after the work
        needed.mkdir(parents=True, exist_ok=True)
    with Progress() as progress:
        report = run_audit(made, Work(Cache(kept), progress.show))
    report.save(folder / "report.json")
    markdown = plugins.load("reports", "markdown")(report)
    write_atomically(folder / "report.md", markdown.encode())
    _say(plugins.load("reports", "terminal")(report))
    _say(f"report: {folder / 'report.md'} and report.json")
    if json:
        print(report.model_dump_json(indent=1))
    raise typer.Exit(INCONCLUSIVE if report.verdict == "inconclusive" else 0)


@app.command()
def report(
    run: Path = typer.Argument(help="A run's folder, or its report.json."),
    format: str = typer.Option("terminal", help="See `list reports`."),
) -> None:
    """Show a stored report again."""
    from audit.report import read
    from lowkey_core import plugins

    print(plugins.load("reports", format)(read(run)), end="")


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
    from lowkey_core.checks import OptionError
    from lowkey_core.download import fetch

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
    """Hash again what is here. Exit code 2 if anything is tampered."""
    from audit.models import verified

    states = list(verified(name))
    for what, state in states:
        print(f"{what}  {state}")
    raise typer.Exit(BAD_INPUT if any(state == "tampered" for _, state in states) else 0)


def _split(values: list[str] | None) -> tuple[str, ...] | None:
    """Repeated options and comma-separated ones are the same thing."""
    return tuple(v.strip() for value in values for v in value.split(",")) if values else None


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("LOWKEY_AUDIT_CACHE") or Path(base) / "lowkey-audit")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Runs the command; problems the user can act on become one line and exit code 2."""
    from lowkey_core.checks import AuditError

    signal.signal(signal.SIGINT, _interrupted)
    try:
        app()
    except (AuditError, OSError) as error:
        _say(f"error: {error}")
        raise SystemExit(BAD_INPUT) from None


def _interrupted(*_: object) -> None:
    _say("interrupted; the same command resumes")
    raise SystemExit(INTERRUPTED)


if __name__ == "__main__":
    main()
