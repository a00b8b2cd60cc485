"""A real audit on the real command line, and all that may befall it: no room, no permission,
no network, company. Each ends in one line, and the same command goes on."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lowkey_core.work.files import PART
from lowkey_core.work.records import unseal
from tests.commands import GUARD, as_anybody, fails, finish, refused, start

INCONCLUSIVE = 3


@pytest.fixture(scope="module")
def finished(portraits: Path) -> Path:
    """A run that nothing befell. It exits with 3, as one face is everybody's."""
    run = portraits / "runs" / "whole"
    finish(start("audit", *into(portraits, run, portraits / "cache")), INCONCLUSIVE)
    return run


def into(portraits: Path, run: Path, cache: Path) -> list[object]:
    return ["--plan", portraits / "plan.toml", "--out", run, "--cache", cache]


def report_of(run: Path) -> dict[str, Any]:
    return {
        k: v for k, v in json.loads((run / "report.json").read_text()).items() if k != "timings"
    }


def records(cache: Path) -> Iterator[Path]:
    yield from cache.rglob("*.safetensors")


def small_files() -> None:
    """A disk for files of 64 kB: aligned faces fit, cloaked pictures do not."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))  # Python ignores SIGXFSZ


def test_a_full_disk_keeps_what_is_finished_and_the_same_command_resumes(
    portraits: Path, finished: Path, tmp_path: Path
) -> None:
    arguments = into(portraits, tmp_path / "run", tmp_path / "cache")
    said = fails("audit", *arguments, limits=small_files)
    assert "File too large" in said
    assert "make room and give the same command again" in said
    kept = [*records(tmp_path / "cache")]
    assert len(kept) >= 16, "every face that was found"
    assert all(unseal(f.parent.name + f.stem, f.read_bytes()) for f in kept)
    assert not [*tmp_path.rglob(f"{PART}*")]
    assert "unfinished" in finish(start("runs", "list", tmp_path), 0)[0]
    _, log = finish(start("audit", *arguments, "--verbose"), INCONCLUSIVE)
    assert "finding faces: 16 found in the cache, 0 made" in log
    assert report_of(tmp_path / "run") == report_of(finished)


def test_a_damaged_cache_is_mended(portraits: Path, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(portraits / "cache", tmp_path / "cache")
    for file in records(tmp_path / "cache"):
        content = bytearray(file.read_bytes())
        content[-1] ^= 1  # the last pixel, or number
        file.write_bytes(content)
    arguments = into(portraits, tmp_path / "run", tmp_path / "cache")
    _, log = finish(start("audit", *arguments, "--verbose"), INCONCLUSIVE)
    assert "finding faces: 0 found in the cache, 16 made" in log
    assert report_of(tmp_path / "run") == report_of(finished)


def test_two_audits_at_once_on_one_cache(portraits: Path, finished: Path, tmp_path: Path) -> None:
    runs = [tmp_path / "a", tmp_path / "b"]
    both = [start("audit", *into(portraits, run, tmp_path / "cache")) for run in runs]
    for process in both:
        finish(process, INCONCLUSIVE)
    assert [report_of(run) for run in runs] == [report_of(finished)] * 2


@pytest.mark.parametrize("name", ["run", "photos"])
def test_a_folder_that_may_not_be_used_is_one_line(
    name: str, portraits: Path, tmp_path: Path
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    arguments = into(portraits, tmp_path / "run", tmp_path / "cache")
    if name == "photos":
        arguments += ["--dataset", folder]
    folder.chmod(0o000 if name == "photos" else 0o500)
    try:
        said = fails("audit", *arguments, limits=as_anybody)
    finally:
        folder.chmod(0o700)
    assert f"error: Permission denied: {folder}" in said
    assert "change its permissions, or name another place" in said


def test_a_cache_that_may_not_be_written_is_no_reason_to_stop(
    portraits: Path, finished: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o500)
    process = start("audit", *into(portraits, tmp_path / "run", cache), limits=as_anybody)
    _, said = finish(process, INCONCLUSIVE)
    assert said.count(f"no permission to use {cache}: work goes on") == 1
    assert [*cache.iterdir()] == []
    assert report_of(tmp_path / "run") == report_of(finished)


def test_the_cache_is_its_owners_alone_and_can_be_measured_and_emptied(
    portraits: Path, finished: Path, tmp_path: Path
) -> None:
    cache = portraits / "cache"
    assert cache.stat().st_mode & 0o777 == 0o700
    shutil.copytree(cache, tmp_path / "cache")
    here = ["--cache", tmp_path / "cache"]
    count = len([*records(tmp_path / "cache")])
    assert f"cache: {count} records, " in finish(start("cache", "size", *here), 0)[0]
    assert "removed 16 records" in finish(start("cache", "clear", "--faces", *here), 0)[0]
    assert f"removed {count - 16} records" in finish(start("cache", "clear", *here), 0)[0]
    assert [*records(tmp_path / "cache")] == []


def test_what_cannot_be_done_as_asked_leaves_no_run_behind(
    portraits: Path, finished: Path, tmp_path: Path
) -> None:
    (tmp_path / "raises.py").write_text("def build(): raise ValueError('no')")
    for asked in (
        ["--recogniser", "nobody"],
        ["--dataset", tmp_path / "nowhere"],
        ["--attack", tmp_path / "raises.py"],
        ["--protected", "5000"],
    ):
        run = tmp_path / "runs" / "new"
        refused("audit", *into(portraits, run, tmp_path / "cache"), *asked)
        assert not run.parent.exists(), asked
        shutil.copytree(finished, tmp_path / "old", dirs_exist_ok=True)
        refused("audit", *into(portraits, tmp_path / "old", tmp_path / "cache"), *asked)
        assert "inconclusive" in finish(start("runs", "list", tmp_path), 0)[0]


def test_a_folder_that_is_not_there_is_no_unknown_data_set(portraits: Path, tmp_path: Path) -> None:
    arguments = into(portraits, tmp_path / "run", tmp_path / "cache")
    said = refused("audit", *arguments, "--dataset", tmp_path / "nowhere")
    assert f"{tmp_path}/nowhere is no folder: nothing is there" in said


@pytest.mark.parametrize("option", ["--out", "--cache"])
def test_a_file_in_the_way_is_one_line(option: str, portraits: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    arguments = into(portraits, tmp_path / "run", tmp_path / "cache")
    said = fails("audit", *arguments, option, tmp_path / "file")
    assert f"File exists: {tmp_path}/file" in said
    assert "move it, or name another place" in said


def test_a_full_disk_under_stdout_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        process = start("list", "presets", stdout=full)
        _, said = process.communicate()
    assert process.returncode == 2
    assert said.startswith("error: No space left on device; expected room to write")
    assert len(said.splitlines()) == 1


def test_resuming_takes_the_plan_and_the_folder_of_the_run(
    portraits: Path, finished: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(finished / "plan.json", run)
    cache = ["--cache", portraits / "cache"]
    finish(start("audit", "--resume", run, *cache), INCONCLUSIVE)
    assert report_of(run) == report_of(finished)
    assert json.loads((run / "plan.json").read_text()) == json.loads(
        (finished / "plan.json").read_text()
    )
    said = fails("audit", "--resume", run, *cache, "--preset", "standard", "--seed", 0)
    assert "--resume was given together with --preset, --seed" in said


@pytest.mark.parametrize("command", [["--help"], ["list", "presets"], ["list", "recognisers"]])
def test_no_command_opens_a_socket(command: list[str]) -> None:
    """As none above does: `start` sees to it."""
    finish(start(*command), 0)


def test_a_stored_run_is_shown_without_a_socket(finished: Path) -> None:
    assert "INCONCLUSIVE" in finish(start("report", finished), 0)[0]
    assert "inconclusive" in finish(start("runs", "list", finished.parent), 0)[0]


def test_without_assets_no_socket_is_opened_in_search_of_them(tmp_path: Path) -> None:
    kept = ["--out", tmp_path, "--cache", tmp_path]
    said = fails("audit", "--surrogate", "mobilefacenet", *kept, CLOAK_ASSETS=str(tmp_path))
    assert "has no weights" in said


def test_the_guard_sees_a_socket() -> None:
    """Else the tests above would prove nothing."""
    opening = (
        GUARD.split("sys.argv[0] =")[0] + "import socket; socket.create_connection(('::1', 9))"
    )
    assert subprocess.run([sys.executable, "-c", opening], check=False).returncode == 99
