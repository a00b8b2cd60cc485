"""What the command line prints: nothing that a name could forge."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from lowkey_core.errors import AuditError
from lowkey_core.photos.protected import Outcome
from reports.console import commands, outcomes
from reports.console.progress import Progress

NASTY = "a\x1b]0;owned\x07b\x9b31mc\rd\u202ee\nf"
SHOWN = r"a\x1b]0;owned\x07b\x9b31mc\rd\u202ee\nf"


def test_a_line_of_results_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    commands.show([NASTY, "plain"])
    assert capsys.readouterr().out == f"{SHOWN}\nplain\n"


def test_what_is_said_is_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    commands.say(NASTY, "plain")
    assert capsys.readouterr().err == f"{SHOWN}\nplain\n"


def test_what_became_of_a_photo_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(NASTY, "protected", copy=NASTY, dssim=0.1, faces=1)
    with Progress() as progress:
        progress.say(outcomes.line(outcome))
    commands.say(*outcomes.summary([outcome], Path(NASTY)))
    first, second, third = capsys.readouterr().err.splitlines()
    assert first == f"protected: {SHOWN} -> {SHOWN} (1 face, DSSIM 0.100)"
    assert second.startswith(f"1 protected; see {SHOWN}/")
    assert f"--cloaked {SHOWN}`" in third


@pytest.mark.parametrize("verbose", [False, True])
def test_a_warning_is_one_line_and_shown_in_any_case(
    verbose: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.log_if(verbose)
    logging.getLogger("lowkey_core.tests").info("quiet")
    logging.getLogger("lowkey_core.tests").warning(NASTY)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].endswith(SHOWN)
    assert len(lines) == 1 + verbose


def test_an_error_repeats_a_long_text_in_part() -> None:
    error = AuditError("x" * 10**6, expected="y" * 10**6, remedy="z")
    assert len(str(error)) < 3000
    assert len(error.got) < 1100
    assert str(error).endswith("; z")
