"""Groups of commands, and what `--help` prints of them: plain lines, options below their titles.

Drawn by typer's plain formatter: rich takes longer to import than everything else that help needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from typer import Typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:  # typer brings its click along under a private name
    from typer._click import Context, HelpFormatter

Command = TypeVar("Command", bound=Callable[..., Any])


class Grouped(TyperCommand):
    """A command whose options stand in groups, by `rich_help_panel`."""

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Arguments, options, and then each group in the order in which it is first named."""
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
            title = getattr(parameter, "rich_help_panel", None) or usual
            if (record := parameter.get_help_record(ctx)) is not None:
                groups.setdefault(title, []).append(record)
        for title, records in groups.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class Commands(Typer):
    """Commands of which each is `Grouped`."""

    def command(self, *given: Any, **named: Any) -> Callable[[Command], Command]:
        """As typer's."""
        return super().command(*given, **{"cls": Grouped, **named})


class Whole(TyperGroup):
    """Commands, each with the first paragraph of what it does."""

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """In the order in which they were added."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        told = {name: (c and c.help) or "" for name, c in commands.items()}
        with formatter.section("Commands"):
            formatter.write_dl([(name, text.split("\n\n")[0]) for name, text in told.items()])


def group(text: str) -> Commands:
    """Commands under one name, or all of them."""
    return Commands(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        cls=Whole,
        help=text,
    )
