"""What the command line prints: nothing that a name could forge."""

from __future__ import annotations

import logging
import time
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


def test_time_left_before_anything_is_foretold_is_by_the_speed_so_far(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter((0.0, 20.0, 60.0))
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    with Progress() as progress:
        for done in (100, 200, 400):  # 100 were there before; then 5 a second
            progress.show("finding faces", done, 1000)
        progress.show("finding faces", 1000, 1000)
        progress.show("nothing to do", 9, 9)
    assert capsys.readouterr().err.splitlines() == [
        "finding faces: 100 of 1000",
        "finding faces: 200 of 1000; 2.7 min left of that",
        "finding faces: 400 of 1000; 2.0 min left of that",
        "finding faces: all 1000",
    ]


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
