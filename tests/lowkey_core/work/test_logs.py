"""`--verbose`: on a terminal, elsewhere, beside progress bars, and with hostile file names."""

from __future__ import annotations

import io
import logging
import re

import pytest
from rich.console import Console
from rich.progress import Progress

from lowkey_core.work import logs

NASTY = "two\nlines \x1b[31m[bold red]x.png"
LOG = logging.getLogger("lowkey_core.tests")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """In place of stderr. No fixture: pytest's own capture would replace it before the test."""
    made = Terminal()
    monkeypatch.setattr("sys.stderr", made)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return made


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", text)


def test_elsewhere_a_message_is_one_line_without_colours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.show()
    LOG.info("%s %s", NASTY, "x" * 300)
    LOG.debug("too much")
    logging.getLogger("PIL").info("not ours")
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match(r"\d\d:\d\d:\d\d lowkey_core\.tests: two\\nlines \\x1b\[31m\[bold red\]x", line)
    assert line.endswith("x" * 300)


def test_on_a_terminal_rich_formats_and_markup_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = terminal(monkeypatch)
    logs.show()
    logs.show()
    LOG.info(NASTY)
    shown = stderr.getvalue()
    assert "\x1b[" in shown
    assert shown.count("\n") == 1
    assert "lowkey_core.tests: two\\nlines \\x1b[31m[bold red]x.png" in plain(shown)
    assert "\x1b[31m[bold" not in shown


@pytest.mark.parametrize("tty", [True, False])
def test_a_traceback_is_shown_without_what_it_could_forge(
    tty: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr = terminal(monkeypatch)
    monkeypatch.setattr(Terminal, "isatty", lambda _: tty)
    logs.show()
    try:
        raise ValueError("colour \x1b[31m")
    except ValueError as error:
        LOG.info("where", exc_info=error)
    shown = plain(stderr.getvalue())
    assert "Traceback" in shown
    assert "raise ValueError(" in shown
    assert "ValueError: colour \\x1b[31m" in shown


def test_progress_bars_are_not_garbled(monkeypatch: pytest.MonkeyPatch) -> None:
    """rich puts a stand-in for stderr there, which prints above the bars."""
    stderr = terminal(monkeypatch)
    with Progress(console=Console(stderr=True), auto_refresh=False) as bars:
        bars.add_task("working", total=2)
        logs.show()
        LOG.info("found it")
    lines = plain(stderr.getvalue()).replace("\r", "\n").splitlines()
    (line,) = (line for line in lines if "found it" in line)
    assert "working" not in line
