"""The server in a process of its own, and a browser's requests over a real connection."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.commands import ROOT, start

QUICK = ("--attack", "lowkey:steps=4", "--surrogate", "zoo:mobile", "--recogniser", "zoo:mobile")
_SERVED = f"""
import json, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from lowkey_core.work import runtime
from web.engine import Engine
from web.limits import Limits
from web.serving import Where, serve
runtime.tune()
port, folder, limits = sys.argv[1:]
engine = Engine(("lowkey:steps=1",), {{"surrogate": ["zoo:mobile"]}}, ("zoo:mobile",))
where = Where("127.0.0.1", int(port), folder=Path(folder))
serve(where, Limits(**json.loads(limits)), 1, engine, lambda said: print(said, file=sys.stderr))
"""
"""As the command, with limits that it has no options for."""


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

    def start(self, *more: str, options: tuple[str, ...] = QUICK) -> None:
        """The command."""
        self.process = start("web", "--port", self.port, "--folder", self.folder, *options, *more)
        self.answers()

    def start_with(
        self, prepare: Callable[[], None] | None = None, cwd: Path = ROOT, **limits: float
    ) -> None:
        """With other limits. prepare: called in the new process. cwd: where it runs, and all that a
        process may want to write to."""
        places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(cwd))
        words = [str(self.port), str(self.folder), json.dumps(limits)]
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-c", _SERVED, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env={**os.environ, **(places if cwd != ROOT else {})},
            preexec_fn=prepare,
        )
        self.answers()

    def answers(self) -> None:
        """Waits until it does."""
        assert self.process
        until = time.monotonic() + 120
        while time.monotonic() < until:
            assert self.process.poll() is None, self.process.communicate()[1]
            with contextlib.suppress(OSError):
                if self.ask("GET", "/about")[0] in (200, 302):  # the latter asks for a token
                    return
            time.sleep(0.2)
        raise AssertionError("it did not start")

    def another(self) -> Running:
        """Another browser."""
        return replace(self, cookie="")

    def ask(
        self, method: str, address: str, body: bytes = b"", kind: str = "", port: int = 0
    ) -> tuple[int, str]:
        status, content = self.got(method, address, body, kind, port)
        return status, content.decode(errors="replace")

    def got(
        self, method: str, address: str, body: bytes = b"", kind: str = "", port: int = 0
    ) -> tuple[int, bytes]:
        there = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if kind:
            headers["Content-Type"] = kind
        with contextlib.closing(there):
            there.request(method, address, body or None, headers)
            answer = there.getresponse()
            for given in answer.headers.get_all("Set-Cookie", []):
                if f"{given.partition('=')[0]}=" not in self.cookie:
                    pair = given.partition(";")[0]
                    self.cookie = f"{self.cookie}; {pair}" if self.cookie else pair
            return answer.status, answer.read()

    def token(self, page: str = "/") -> str:
        found = re.search(r'value="([0-9a-f]{64})"', self.ask("GET", page)[1])
        assert found
        return found[1]

    def enter(self, access: str) -> None:
        """Gives the access token."""
        body = f"form_token={self.token('/enter')}&access={access}".encode()
        status, _ = self.ask("POST", "/enter", body, "application/x-www-form-urlencoded")
        assert status == 303

    def sent(self, *photos: bytes) -> tuple[int, str]:
        body = io.BytesIO()
        head = b'--x\r\nContent-Disposition: form-data; name="'
        body.write(head + b'form_token"\r\n\r\n' + self.token().encode() + b"\r\n")
        for photo in photos:
            body.write(head + b'photos"; filename="a.png"\r\n\r\n' + photo + b"\r\n")
        body.write(b"--x--\r\n")
        return self.ask("POST", "/photos", body.getvalue(), "multipart/form-data; boundary=x")

    def send(self, *photos: bytes) -> int:
        return self.sent(*photos)[0]

    def press(self, address: str) -> tuple[int, str]:
        """A button."""
        body = f"form_token={self.token()}".encode()
        return self.ask("POST", address, body, "application/x-www-form-urlencoded")

    def wait(self, photos: int) -> None:
        until = time.monotonic() + 200
        while self.ask("GET", "/photos")[1].count("cloaked, 1 face") < photos:
            assert time.monotonic() < until, self.ask("GET", "/photos")[1]
            time.sleep(0.1)

    @property
    def peak(self) -> int:
        """Bytes that the server's process had in use at most. Linux alone says so."""
        assert self.process
        said = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", said)
        assert found
        return int(found[1]) * 1024

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        assert self.process
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def end(self) -> None:
        """Whatever happened."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
