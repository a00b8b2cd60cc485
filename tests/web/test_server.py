"""The server as it runs: a process of its own, over a real connection."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import ROOT, fails
from tests.web.conftest import picture
from tests.web.running import QUICK, Running, free_port

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    one = Running(tmp_path / "private")
    yield one
    one.end()


def test_killed_in_the_middle_it_goes_on_and_at_the_end_nothing_is_left(running: Running) -> None:
    """Some are finished, one is under way, others wait; then SIGKILL."""
    running.start()
    photos = [picture(shade, 200) for shade in range(4)]
    assert running.send(*photos) == 303
    running.wait(1)
    running.stop(signal.SIGKILL)
    finished = list(running.folder.glob("*/photos/*/done.json"))
    made = {path: path.stat().st_mtime_ns for path in finished}
    assert 1 <= len(made) < len(photos)
    running.start()
    running.wait(4)
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert running.ask("GET", "/photo/4/8.jpg")[0] == 200
    code, said = running.stop()
    assert code == 0, said
    assert "Traceback" not in said
    assert "a.png" not in said
    assert not running.folder.exists()


def test_many_connections_and_a_slow_upload_leave_others_served(running: Running) -> None:
    """Fifty at once, one of which sends its body a byte at a time."""
    running.start()
    head = (
        f"POST /photos HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\nContent-Length: 100000\r\n\r\n"
    )
    with contextlib.ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=30))
            for _ in range(50)
        ]
        for each in slow:
            each.sendall(head.encode() + b"x")
        assert running.ask("GET", "/")[0] == 200
        assert running.send(picture()) == 303
        running.wait(1)
    code, said = running.stop(signal.SIGINT)
    assert (code, "Traceback" in said) == (0, False), said
    assert not running.folder.exists()


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    """And what a crashed server left in the folder stays for the next one."""
    left = tmp_path / "private" / ("a" * 32)
    left.parent.mkdir(mode=0o700)
    left.mkdir()
    (left / "session.json").write_text("{}")
    long_ago = time.time() - 10**6
    os.utime(left / "session.json", (long_ago, long_ago))
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
        said = fails("web", "--port", port, "--folder", left.parent, *QUICK)
        assert not fails("web", "--port", port, "--folder", tmp_path / "new", *QUICK).count("new")
    assert f"port {port} of 127.0.0.1 cannot be used" in said
    assert (left / "session.json").is_file()
    assert not (tmp_path / "new").exists()


def test_a_cloak_that_cannot_be_had_leaves_what_was_left(tmp_path: Path) -> None:
    left = tmp_path / "private" / ("a" * 32)
    left.parent.mkdir(mode=0o700)
    left.mkdir()
    (left / "session.json").write_text("{}")
    fails("web", "--port", free_port(), "--folder", left.parent, "--attack", "nonesuch")
    assert (left / "session.json").is_file()


def test_an_upload_that_is_too_large_gets_a_page(running: Running) -> None:
    """Not a broken connection: a browser shows no answer while it sends."""
    running.start_with(request_bytes=2_000_000, spare_bytes=0)
    status, page = running.sent(b"x" * 3_000_000)
    assert status == 413
    assert "Send fewer photos, or smaller ones." in page
    assert "<h1>" in page
    assert running.send(picture()) == 303
    assert "Traceback" not in running.stop()[1]


def test_help_needs_no_flask() -> None:
    code = (
        "import sys; sys.modules['flask'] = sys.modules['waitress'] = None; "
        f"sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['cli.py', 'web', '--help']; "
        "import cli; cli.main()"
    )
    asked = [sys.executable, "-W", "ignore", "-c", code]
    process = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
    assert process.returncode == 0, process.stderr
    assert "--host" in process.stdout
    assert "torch" not in process.stderr


def test_other_addresses_print_a_token_once(running: Running) -> None:
    running.start("--host", "0.0.0.0")
    assert running.ask("GET", "/photos")[0] == 302
    _, said = running.stop()
    token = said[said.index("not shown again:") :].splitlines()[1].strip()
    assert len(token) >= 32
    assert said.count(token) == 1
