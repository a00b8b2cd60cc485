"""The command line, in a process that ends as soon as it would talk to anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import fails, finish, start

KEYS = {"FACEPP_API_KEY": "", "FACEPP_API_SECRET": "", "FACEPP_ENDPOINT": ""}


def arguments(portraits: Path, tmp_path: Path, name: str = "facepp") -> list[object]:
    plan = ["--plan", portraits / "plan.toml", "--recogniser", name]
    return ["audit", *plan, "--cache", tmp_path / "cache", "--out", tmp_path / "run"]


def test_without_the_flag_a_service_is_an_error_that_names_it(
    portraits: Path, tmp_path: Path
) -> None:
    line = fails(*arguments(portraits, tmp_path), **KEYS)
    assert "facepp is a service" in line
    assert "--allow-network" in line
    assert "--dry-run" in line


def test_with_the_flag_and_without_keys_it_says_which(portraits: Path, tmp_path: Path) -> None:
    line = fails(*arguments(portraits, tmp_path), "--allow-network", **KEYS)
    assert "FACEPP_API_KEY is not set" in line


def test_a_dry_run_tells_what_the_vendor_would_be_sent(portraits: Path, tmp_path: Path) -> None:
    shown, _ = finish(start(*arguments(portraits, tmp_path), "--dry-run", **KEYS), 0)
    assert "facepp is asked at https://api-us.faceplusplus.com, a commercial service" in shown
    # For three transforms the clean gallery and one of noise, which is its own control: two
    # pictures of each of four people at two calls each, two for the FaceSet, and four searches.
    assert "132 calls" in shown
    assert "at most 1 calls a second" in shown
    assert "have their consent" in shown
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("profile", ["default", "program"])
def test_without_the_flag_nobody_is_asked_for_amazons_keys(
    portraits: Path, tmp_path: Path, profile: str
) -> None:
    """boto3 would ask a host on the network for those of one profile, and a program for those of
    the other, which would leave a file."""
    config = tmp_path / "config"
    config.write_text(
        "[default]\ndefaults_mode = auto\n"
        f"[profile program]\ncredential_process = touch {tmp_path}/ran\n"
    )
    unset = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_REKOGNITION")
    env = {
        **dict.fromkeys(unset, ""),
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "false",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_PROFILE": profile,
    }
    given = arguments(portraits, tmp_path, "rekognition")
    assert "rekognition is a service" in fails(*given, **env)
    shown, _ = finish(start(*given, "--dry-run", **env), 0)
    assert "rekognition is asked at https://rekognition.eu-west-1.amazonaws.com" in shown
    cloak = [*arguments(portraits, tmp_path, "zoo:mobile"), "--attack", "lowkey:steps=1"]
    assert "is a service" in fails(*cloak, "--surrogate", "rekognition", **env)
    assert not (tmp_path / "ran").exists()
