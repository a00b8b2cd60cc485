"""The Dockerfile and the compose file promise limits; what they do runs here without an engine."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from tests.commands import ROOT
from tests.web.conftest import picture
from tests.web.running import Running, free_port
from web.command import web
from web.limits import Limits

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SERVICE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["web"]
UNITS = {"m": 2**20, "g": 2**30}
SERVER = 2 * 2**30
"""Bytes that the server may take without its photos: no hostile upload gets it there."""


def steps(word: str) -> list[str]:
    """What follows an instruction of the Dockerfile, each time."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return re.findall(rf"^{word} +(.+)$", text, re.MULTILINE)


ENTRY: list[str] = json.loads(steps("ENTRYPOINT")[0])


def size(said: str) -> int:
    return int(said[:-1]) * UNITS[said[-1]]


def mounts() -> dict[str, dict[str, str]]:
    """Of each tmpfs its options."""
    pairs = (each.split(":") for each in SERVICE["tmpfs"])
    return {
        place: dict(option.partition("=")[::2] for option in options.split(","))
        for place, options in pairs
    }


def test_the_image_is_slim_and_has_a_python_that_the_project_wants() -> None:
    ((name, version),) = [each.split(":") for each in steps("FROM")]
    assert name == "python"
    assert version.endswith("-slim")
    assert f">={version.removesuffix('-slim')}" == PROJECT["project"]["requires-python"]


def test_what_is_installed_is_all_there_is_with_the_extra() -> None:
    copied = {word for line in steps("COPY") for word in line.split()[:-1]}
    assert all((ROOT / path).exists() for path in copied)
    wanted = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    assert all(any(fnmatch(path, pattern) for path in copied) for pattern in wanted)
    assert {f"{module}.py" for module in PROJECT["tool"]["setuptools"]["py-modules"]} <= copied
    (install,) = [line for line in steps("RUN") if "pip install" in line]
    assert '".[web]"' in install
    assert "web" in PROJECT["project"]["optional-dependencies"]


def test_its_command_is_the_project_s_and_knows_every_option() -> None:
    assert ENTRY[0] in PROJECT["project"]["scripts"]
    assert ENTRY[1] == "web"
    app = typer.Typer()
    app.command()(web)
    known = {name for each in typer.main.get_command(app).params for name in each.opts}
    words = [*ENTRY[2:], *SERVICE["command"]]
    assert {word for word in words if word.startswith("--")} <= known
    port = words[words.index("--port") + 1]
    assert steps("EXPOSE") == [port]
    assert SERVICE["ports"] == [f"127.0.0.1:{port}:{port}"], "of this machine alone"


def test_nobody_in_it_is_root_and_nothing_of_it_can_be_written() -> None:
    (user,) = steps("USER")
    uid, _, group = user.partition(":")
    assert user == SERVICE["user"]
    assert int(uid) >= 1000
    assert int(group) >= 1000
    assert f"--uid {uid}" in " ".join(steps("RUN"))
    text = (ROOT / "Dockerfile").read_text()
    assert text.index("pip install") < text.index("USER ") < text.index("ENTRYPOINT")
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    assert SERVICE["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "volumes", "devices", "network_mode", "pid"} & set(SERVICE)
    for options in mounts().values():
        assert {"noexec", "nosuid", "nodev"} <= set(options)
        assert (options["uid"], options["mode"]) == (uid, "0700")


def test_it_has_limits_that_go_together() -> None:
    """What a server may write counts as its memory, and has to leave room for the server."""
    photos = mounts()[ENTRY[ENTRY.index("--folder") + 1]]
    written = sum(size(options["size"]) for options in mounts().values())
    assert size(SERVICE["mem_limit"]) >= written + SERVER
    assert SERVICE["memswap_limit"] == SERVICE["mem_limit"], "photos are not swapped out"
    assert size(photos["size"]) > Limits().spare_bytes + Limits().request_bytes
    assert SERVICE["cpus"] > 0
    assert SERVICE["pids_limit"] > 0
    for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # not one for each core of the host
        assert float(SERVICE["environment"][pool]) == SERVICE["cpus"]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may look into."""
    made = Path(tempfile.mkdtemp(prefix="lowkey-image-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def installed(place: Path) -> Path:
    """What the Dockerfile does to a machine with a Python, in this folder. Returns its programs.

    Needs an index of packages, as `pip` is set up; wheels are taken from where `pip` keeps them.
    """
    source, made = place / "src", place / "python"
    for line in steps("COPY"):
        *paths, target = line.split()
        for path in paths:
            there = ROOT / path
            if there.is_dir():
                shutil.copytree(there, source / target, ignore=shutil.ignore_patterns("__pyc*"))
            else:
                source.mkdir(exist_ok=True)
                shutil.copy(there, source / target / path)
    base = next(p for p in ("/usr/bin/python3", sys.executable) if usable(p))
    subprocess.run([base, "-m", "venv", "--without-pip", str(made)], check=True)
    (line,) = [line for line in steps("RUN") if "pip install" in line]
    (asked,) = [word for word in shlex.split(line) if word.startswith(".[")]
    pip = [sys.executable, "-m", "pip", "--python", str(made / "bin" / "python")]
    subprocess.run([*pip, "install", "--quiet", asked], cwd=source, check=True)
    shutil.rmtree(source)
    for path in made.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222 | 0o444)
    return made / "bin"


def may_be_written(path: Path) -> bool:
    """By its owner or anybody."""
    return not path.is_symlink() and bool(path.stat().st_mode & 0o222)


def usable(python: str) -> bool:
    """Whether another user may run it, and it is one that the project takes."""
    asked = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    try:
        return not subprocess.run(asked, check=False, cwd="/", **nobody()).returncode
    except OSError:
        return False


def nobody() -> dict[str, Any]:
    """The Dockerfile's user, without what root may do."""
    uid, _, group = steps("USER")[0].partition(":")
    return {"user": int(uid), "group": int(group), "extra_groups": []}


@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.timeout(3600)
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="root alone becomes another")
def test_what_the_dockerfile_does_serves_photos(place: Path) -> None:
    """Installed anew, from code that the server may only read, as a user without a home."""
    began = time.monotonic()
    programs = installed(place)
    print(f"installed in {time.monotonic() - began:.0f} s")
    photos = place / "photos"
    photos.mkdir(mode=0o700)
    os.chown(photos, nobody()["user"], nobody()["group"])
    running = Running(photos, free_port())
    words = [str(programs / ENTRY[0]), *ENTRY[1:]]
    words[words.index("--port") + 1] = str(running.port)
    words[words.index("--folder") + 1] = str(photos)
    running.process = subprocess.Popen(
        [*words, *SERVICE["command"]],
        cwd="/",
        env={"HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **nobody(),
    )
    try:
        running.answers()
        assert running.process.stderr
        lines = iter(running.process.stderr.readline, "")
        next(line for line in lines if "not shown again" in line)
        running.enter(next(lines).strip())
        assert running.send(picture(side=300)) == 303
        running.wait(1)
        assert running.got("GET", "/photo/1/copy")[0] == 200
        code, said = running.stop()
        assert (code, "Traceback" in said) == (0, False), said
        assert not list(photos.iterdir())
        assert not [path for path in programs.parent.rglob("*") if may_be_written(path)]
    finally:
        running.end()
