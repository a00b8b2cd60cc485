"""The server as it runs: a process of its own, over a real connection."""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.commands import ROOT, fails, start
from tests.web.conftest import picture

pytestmark = pytest.mark.enable_socket
QUICK = ("--attack", "lowkey:steps=4", "--surrogate", "zoo:mobile", "--recogniser", "zoo:mobile")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


@dataclass
class Running:
    """A server's process, and one browser."""

    folder: Path
    port: int = field(default_factory=free_port)
    cookie: str = ""
    process: subprocess.Popen[str] | None = None

    def start(self, *more: str) -> None:
        self.process = start("web", "--port", self.port, "--folder", self.folder, *QUICK, *more)
        until = time.monotonic() + 120
        while time.monotonic() < until:
            assert self.process.poll() is None, self.process.communicate()[1]
            with contextlib.suppress(OSError):
                if self.ask("GET", "/about")[0] in (200, 302):  # the latter asks for a token
                    return
            time.sleep(0.2)
        raise AssertionError("it did not start")

    def ask(
        self, method: str, address: str, body: bytes = b"", kind: str = "", port: int = 0
    ) -> tuple[int, str]:
        there = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if kind:
            headers["Content-Type"] = kind
        with contextlib.closing(there):
            there.request(method, address, body or None, headers)
            answer = there.getresponse()
            if (given := answer.getheader("Set-Cookie")) and not self.cookie:
                self.cookie = given.partition(";")[0]
            return answer.status, answer.read().decode(errors="replace")

    def send(self, *photos: bytes) -> int:
        token = re.search(r'value="([0-9a-f]{64})"', self.ask("GET", "/")[1])
        assert token
        body = io.BytesIO()
        head = b'--x\r\nContent-Disposition: form-data; name="'
        body.write(head + b'form_token"\r\n\r\n' + token[1].encode() + b"\r\n")
        for photo in photos:
            body.write(head + b'photos"; filename="a.png"\r\n\r\n' + photo + b"\r\n")
        body.write(b"--x--\r\n")
        kind = "multipart/form-data; boundary=x"
        return self.ask("POST", "/photos", body.getvalue(), kind)[0]

    def wait(self, photos: int) -> None:
        until = time.monotonic() + 200
        while self.ask("GET", "/photos")[1].count("cloaked, 1 face") < photos:
            assert time.monotonic() < until, self.ask("GET", "/photos")[1]
            time.sleep(0.1)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        assert self.process
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    one = Running(tmp_path / "private")
    yield one
    if one.process and one.process.poll() is None:
        one.process.kill()
        one.process.communicate()


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
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
        said = fails("web", "--port", port, "--folder", tmp_path / "private", *QUICK)
    assert f"port {port} of 127.0.0.1 cannot be used" in said
    assert not (tmp_path / "private").exists()


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
