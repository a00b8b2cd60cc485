"""Atomic writes and locks: crashes, full disks, refused permissions, several processes."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lowkey_core.errors import StorageError
from lowkey_core.work import files
from lowkey_core.work.files import PART, locked, read_regular, real, replacing, write_atomically

STUCK = """
import os, sys
from pathlib import Path
from lowkey_core.work import files
def hang(handle):
    print("writing", flush=True)
    sys.stdin.read()
files.os.fsync = hang
files.write_atomically(Path(sys.argv[1]), b"new")
"""


@pytest.fixture(autouse=True)
def _a_new_process() -> Iterator[None]:
    files._sweep.cache_clear()
    yield
    files._sweep.cache_clear()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, with `tmp_path/x` half-written."""
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, str(tmp_path / "x")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.communicate()


def parts(folder: Path) -> list[Path]:
    return [*folder.glob(f"{PART}*")]


def test_what_a_killed_process_left_is_removed(
    writer: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert len(parts(tmp_path)) == 1
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    (tmp_path / ".part-of somebody else").touch()
    write_atomically(tmp_path / "y", b"mine")
    assert sorted(f.name for f in tmp_path.iterdir()) == [".part-of somebody else", "y"]


def test_what_a_living_process_is_writing_is_left_alone(
    writer: subprocess.Popen[str], tmp_path: Path
) -> None:
    write_atomically(tmp_path / "y", b"mine")
    assert len(parts(tmp_path)) == 1
    writer.communicate("go on")
    assert (tmp_path / "x").read_bytes() == b"new"
    assert parts(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomically(tmp_path / "x", b"old")

    def full(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files.os, "fsync", full)
    remedy = "check the path and the disk" if code == errno.EIO else "make room"
    with pytest.raises(StorageError, match=f"{os.strerror(code)}: {tmp_path}/x; .*{remedy}"):
        write_atomically(tmp_path / "x", b"new")
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == {"x": b"old"}


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.EACCES, "change its permissions"),
        (errno.EROFS, "change its permissions"),
        (errno.ENOTDIR, "move it"),
        (errno.ESTALE, "check the path"),
    ],
)
def test_a_refusal_says_what_to_do(code: int, remedy: str) -> None:
    said = pytest.raises(StorageError, match=f"{os.strerror(code)}: here; .*{remedy}")
    with said, files.explained():
        raise OSError(code, os.strerror(code), "here")


def test_a_file_where_a_folder_is_needed_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(StorageError, match="move it, or name another place"):
        write_atomically(tmp_path / "x" / "y", b"")


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file(umask: int, tmp_path: Path) -> None:
    """Whatever the umask is now, not only at the first write."""
    usual, ours = tmp_path / "usual", tmp_path / "ours"
    before = os.umask(umask)
    try:
        usual.touch()
        write_atomically(ours, b"")
    finally:
        os.umask(before)
    assert ours.stat().st_mode == usual.stat().st_mode


def test_the_umask_of_the_process_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread that makes a file meanwhile would get the wrong permissions."""
    monkeypatch.setattr(os, "umask", None)
    write_atomically(tmp_path / "x", b"")


def test_a_block_that_raises_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    with contextlib.suppress(KeyboardInterrupt), replacing(tmp_path / "x") as file:
        file.write(b"new")
        raise KeyboardInterrupt
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == {"x": b"old"}


HOLD = """
import sys
from pathlib import Path
from lowkey_core.work.files import locked
with locked(Path(sys.argv[1]), lambda: None):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of `tmp_path/x`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "x")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_lock_is_waited_for_and_leaves_no_file(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    said: list[str] = []

    def busy() -> None:
        said.append("busy")
        holder.communicate("let go")

    assert [f.name for f in tmp_path.iterdir()] == [".x.lock"]
    with locked(tmp_path / "x", busy):
        assert said == ["busy"]
    assert [*tmp_path.iterdir()] == []


def test_the_lock_of_a_killed_process_is_free(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    holder.kill()
    holder.wait()
    assert [f.name for f in tmp_path.iterdir()] == [".x.lock"]
    with locked(tmp_path / "x", lambda: pytest.fail("it is not free")):
        pass
    assert [*tmp_path.iterdir()] == []


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    os.mkfifo(tmp_path / "fifo")  # opening it would wait for a writer
    assert read_regular(tmp_path / "file") == b"content"
    for path in (tmp_path / "fifo", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match=r"regular file|directory"):
            read_regular(path)


def test_a_link_to_itself_is_its_own_target(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to("file")
    assert real(tmp_path / "loop") == real(tmp_path) / "loop"
    assert real(tmp_path / "link") == real(tmp_path) / "file"
