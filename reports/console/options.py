"""The flags of `audit`, made from the plan's fields: ten are shown first, the rest under "More"."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Optional, TypeVar

import typer

from audit.choices import Choice, choices
from lowkey_core.spec import split

Command = TypeVar("Command", bound=Callable[..., Any])
MORE = {
    "people": "More: people",
    "publish": "More: publishing",
    "adversaries": "More: adversaries",
    "measure": "More: measuring",
    "run": "More: running",
}
"""Titles of the groups of flags, by the plan's parts."""
PATHS = "distractor_dataset"
"""A list of paths, which may hold commas."""
COPIES = inspect.Parameter(
    "cloaked",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        Optional[str],
        typer.Option(
            help="Folder of cloaked copies: short for --attack folder:DIR.",
            rich_help_panel=MORE["publish"],
            show_default=False,
        ),
    ],
)


def with_choices(only: Sequence[str] = ()) -> Callable[[Command], Command]:
    """A command whose `**given` are the plan's choices. only: some of them, by name; else all, and
    `cloaked`."""

    def decorated(command: Command) -> Command:
        signature = inspect.signature(command)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        wanted = [c for c in choices() if not only or c.name in only]
        shown = sorted(wanted, key=lambda c: not c.common)
        flags = [_flag(choice, plain=bool(only)) for choice in shown]
        parameters = [p.replace(kind=p.KEYWORD_ONLY) for p in own]
        parameters += flags if only else [*flags, COPIES]
        command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorated


def given(flags: dict[str, Any]) -> dict[str, Any]:
    """The choices that stand on the command line, lists cut at their commas.

    A list of paths is only repeated.
    """
    found = {k: v for k, v in flags.items() if v not in (None, [])}
    for choice in choices():
        if choice.many and choice.name in found and choice.name != PATHS:
            found[choice.name] = [part for value in found[choice.name] for part in split(value)]
    return found


def _flag(choice: Choice, *, plain: bool) -> inspect.Parameter:
    # Numbers stay text here: the plan checks them, and names the field.
    switch = isinstance(choice.default, bool)
    kind: Any = Optional[bool] if switch else Optional[list[str] if choice.many else str]
    shown = "" if choice.default in ((), None, "", False) else f" [{_shown(choice.default)}]"
    repeat = " Repeat, or separate by commas." if choice.many else ""
    if choice.name == PATHS:
        repeat = " May be repeated."
    option = typer.Option(
        help=choice.help + repeat + shown,
        rich_help_panel=None if choice.common or plain else MORE[choice.part],
        show_default=False,
        metavar=None if switch else "TEXT" if choice.text else "INTEGER",
    )
    return inspect.Parameter(
        choice.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind, option],
    )


def _shown(default: Any) -> str:
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


def on_the_line(context: typer.Context) -> list[str]:
    """The names of the options that stand on the command line."""
    found = (
        (o.name or "", context.get_parameter_source(o.name or "")) for o in context.command.params
    )
    return [name for name, source in found if source is not None and source.name == "COMMANDLINE"]
