"""The command line: what is said before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

import cli
from tests.commands import finish, start

UNSET = (
    *("FACEPP_API_KEY", "FACEPP_API_SECRET", "FACEPP_ENDPOINT"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_REKOGNITION"),
)


def arguments(portraits: Path, tmp_path: Path, name: str = "facepp") -> list[str]:
    plan = ["--plan", portraits / "plan.toml", "--recogniser", name]
    given = ["audit", *plan, "--cache", tmp_path / "cache", "--out", tmp_path / "run"]
    return [str(word) for word in given]


def refused(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """The line of an error, in this process: sockets are closed here."""
    for variable in UNSET:
        monkeypatch.setenv(variable, "")
    monkeypatch.setattr("sys.argv", ["lowkey-audit", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_without_the_flag_a_service_is_an_error_that_names_it(
    portraits: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = refused(arguments(portraits, tmp_path), monkeypatch, capsys)
    assert line.startswith("error: facepp is a service")
    assert "--allow-network" in line
    assert "--dry-run" in line


def test_with_the_flag_and_without_keys_it_says_which(
    portraits: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [*arguments(portraits, tmp_path), "--allow-network"]
    assert "FACEPP_API_KEY is not set" in refused(words, monkeypatch, capsys)


def test_a_dry_run_tells_what_the_vendors_would_be_sent_and_talks_to_nobody(
    portraits: Path, tmp_path: Path
) -> None:
    """In a process that ends as soon as it would. For Amazon's keys boto3 would run a program."""
    config = tmp_path / "config"
    config.write_text(
        f"[default]\ndefaults_mode = auto\ncredential_process = touch {tmp_path}/ran\n"
    )
    env = {
        **dict.fromkeys(UNSET, ""),
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "false",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    given = [*arguments(portraits, tmp_path, "facepp,rekognition"), "--dry-run"]
    shown, _ = finish(start(*given, **env), 0)
    assert "facepp is asked at https://api-us.faceplusplus.com, a commercial service" in shown
    # For three transforms the clean gallery and one of noise, which is its own control: two
    # pictures of each of four people at two calls each, two for the FaceSet, and four searches.
    assert "132 calls" in shown
    assert "at most 1 calls a second" in shown
    assert "rekognition is asked at https://rekognition.eu-west-1.amazonaws.com" in shown
    assert "have their consent" in shown
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "ran").exists()
