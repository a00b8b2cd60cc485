"""What `--help` prints."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cli import app
from tests.commands import ROOT

CALLED = CliRunner()


def told(*words: str) -> str:
    done = CALLED.invoke(app, [*words, "--help"], env={"COLUMNS": "80"})
    assert done.exit_code == 0
    return done.output


def test_options_stand_below_the_titles_of_their_groups() -> None:
    parts = told("audit").split("\n\n")
    titles = [part.split("\n")[0] for part in parts]
    assert titles[2:5] == ["Options:", "More: running:", "More: people:"]
    assert "--attack TEXT" in parts[2]
    assert "--cache <path>" in parts[3]
    assert "--seeds INTEGER" in parts[4]
    assert "[~/.cache/lowkey-audit]" in parts[3], "a default in brackets is no markup"


@pytest.mark.parametrize("words", [[], ["runs"], ["cache"]])
def test_commands_say_what_they_do_to_the_end_of_a_sentence(words: list[str]) -> None:
    commands = told(*words).split("Commands:\n")[1]
    assert "..." not in commands
    assert commands.rstrip()[-1] in ".?"


def test_an_argument_is_shown() -> None:
    assert "Arguments:\n  run <path>" in told("report")


def test_help_does_not_wait_for_libraries_that_it_does_not_need() -> None:
    heavy = ("rich", "torch", "numpy", "PIL")
    code = (
        f"import atexit, sys; sys.path.insert(0, {str(ROOT)!r}); "
        f"atexit.register(lambda: print([m for m in {heavy} if m in sys.modules])); "
        "sys.argv = ['cli.py', 'audit', '--help']; import cli; cli.main()"
    )
    asked = [sys.executable, "-c", code]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
