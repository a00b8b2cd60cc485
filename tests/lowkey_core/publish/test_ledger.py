"""The lock of an output folder."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lowkey_core.errors import StorageError
from lowkey_core.photos.protected import NAME
from lowkey_core.publish.ledger import Ledger

LOCK = f".{NAME}.lock"
HOLD = """
import sys
from pathlib import Path
from lowkey_core.publish.ledger import Ledger
with Ledger(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    """Killed, it leaves its lock file behind, which the next one takes over and removes."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(StorageError, match="another `protect` is at work"), Ledger(tmp_path):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert [f.name for f in tmp_path.iterdir()] == [LOCK]
        with Ledger(tmp_path):
            pass
    finally:
        process.kill()
        process.communicate()
    assert not (tmp_path / LOCK).exists()


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_the_lock_file_is_removed_at_the_end(
    error: type[BaseException] | None, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path)
    ledger.__enter__()
    assert (tmp_path / LOCK).exists()
    ledger.__exit__(error, error and error(), None)
    assert not (tmp_path / LOCK).exists()


def test_a_ledger_that_is_not_ours_releases_the_lock(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("my own notes\n")
    for _ in range(2):
        with pytest.raises(StorageError, match="not written by `protect`"), Ledger(tmp_path):
            pass
    assert [f.name for f in tmp_path.iterdir()] == [NAME]


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    (out / LOCK).symlink_to(elsewhere)
    with pytest.raises(StorageError), Ledger(out):
        pass
    assert not elsewhere.exists()
