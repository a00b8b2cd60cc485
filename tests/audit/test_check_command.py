"""`check` as it is typed: sentences and exit code 0, or one line of an error."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest

import cli
from audit import check
from audit.check import planned
from audit.plan import AuditPlan
from audit.runs import REPORT
from tests.audit.small import in_brief


@pytest.fixture
def typed(plan: AuditPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command with the small audit's networks and world."""
    del plan
    shutil.move(tmp_path / "photos" / "person9", tmp_path / "me")
    words = ["check", "me", "--world", "photos", "--attack", "invert.py", "--cache", "kept"]
    monkeypatch.setattr(check, "planned", lambda *asked: in_brief(planned(*asked)))
    monkeypatch.chdir(tmp_path)
    return [*words, "--recogniser", "net2.py,net3.py"]


def run(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["lowkey-audit", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


def test_it_answers_in_five_sentences_with_exit_code_0(
    typed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where every control fails, as with these networks it may: there is no verdict."""
    assert run([*typed, "--pairs", "--json", "--out", "out"], monkeypatch) == 0
    out, err = capsys.readouterr()
    for number in range(1, 6):
        assert f"\n{number}. " in f"\n{err}"
    assert "of your 3 other photos" in err
    assert "How like is a photo to its own cloaked copy?" in err
    assert "What this does not say:" in err
    assert json.loads(out)["people"] == ["me"]
    assert Path("out", REPORT).is_file()


def test_a_service_is_not_asked_and_the_command_that_asks_it_is_named(
    typed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*typed[:-1], "net2.py,facepp"], monkeypatch) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert "facepp is a service" in line
    assert "leave it out" in line
    assert "`audit` with --allow-network" in line


def test_too_few_photos_are_one_line(
    typed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for extra in sorted(Path("me").iterdir())[2:]:
        extra.unlink()
    assert run(typed, monkeypatch) == 2
    err = capsys.readouterr().err
    (line,) = [line for line in err.splitlines() if "error" in line]
    assert line.startswith("error: me holds 2 photos that can be used; expected 3 or more")
    assert err.splitlines()[-1] == line
    assert not Path("runs").exists()


def test_without_consent_no_data_set_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLOAK_ASSETS", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run(["datasets", "fetch", "lfw"], monkeypatch) == 2
    err = capsys.readouterr().err
    assert "licence: none is stated" in err
    assert "--accept-licence" in err
