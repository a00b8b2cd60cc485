"""How long one waits for the web tool. `python -m benchmarks.web`

The server as `python cli.py web` starts it, without CLOAK_ASSETS: photos of 12 megapixels with one
face are sent one at a time, as a browser does. Waited for: the first preview, and another strength.
"""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.cookiejar import CookieJar
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from benchmarks import record
from benchmarks.record import Measured
from lowkey_core.errors import AuditError
from lowkey_core.weights import ASSETS_VARIABLE

TIMED = True
SIZE, FACE = (4000, 3000), 1800
PHOTOS = 3
"""Each of another brightness, so that nothing is known of it yet."""
STRENGTHS = range(1, 9)
PATIENCE = 300.0
"""Seconds until which something must have happened."""


def measure() -> Measured:
    """Seconds to the first preview and to a finished photo, each photo's; milliseconds of every
    other strength; and bytes that the server uses at most (Linux)."""
    folder = record.fresh("web")
    first, whole, steps = list[float](), list[float](), list[float]()
    with _served(folder) as (browser, process):
        for number in range(1, PHOTOS + 1):
            content = _photo(number)
            began = time.perf_counter()
            browser.send(content)
            _until(partial(browser.found, f"/photo/{number}/8.jpg"))
            first.append(time.perf_counter() - began)
            _until(partial(browser.shows, f"/photo/{number}", b"By strength"))
            whole.append(time.perf_counter() - began)
            for strength in STRENGTHS:
                began = time.perf_counter()
                browser.get(f"/photo/{number}/{strength}.jpg")
                steps.append(1000 * (time.perf_counter() - began))
        said = Path(f"/proc/{process.pid}/status").read_text()
    peak = re.search(r"VmHWM:\s+(\d+) kB", said)
    assert peak
    return {"first": first, "whole": whole, "steps": steps, "memory": 1024 * int(peak[1])}


def _photo(number: int) -> bytes:
    """A JPEG file: NASA's portrait of Eileen Collins on a wall."""
    shades = np.random.default_rng(number).integers(90, 150, (300, 400, 3), np.uint8)
    shown = Image.fromarray(shades).resize(SIZE, Image.Resampling.BICUBIC)
    face = Image.fromarray(data.astronaut()).resize((FACE, FACE), Image.Resampling.BICUBIC)
    shown.paste(face.point([int(v * (1 - 0.05 * number)) for v in range(256)] * 3), (1000, 600))
    file = io.BytesIO()
    shown.save(file, "JPEG", quality=92)
    return file.getvalue()


@contextmanager
def _served(folder: Path) -> Iterator[tuple[_Browser, subprocess.Popen[bytes]]]:
    """A server that answers, with a browser of it. Raises: AuditError."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    words = record.cli("web", "--port", str(port), "--folder", str(folder / "photos"))
    given = {k: v for k, v in os.environ.items() if k != ASSETS_VARIABLE}
    process = subprocess.Popen(words, cwd=record.ROOT, env=given, stdin=subprocess.DEVNULL)
    browser = _Browser(f"http://127.0.0.1:{port}")
    try:
        _until(lambda: browser.found("/about"))
        yield browser, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


class _Browser:
    """One person's."""

    def __init__(self, address: str) -> None:
        jar = urllib.request.HTTPCookieProcessor(CookieJar())
        self.address, self.opener = address, urllib.request.build_opener(jar)

    def get(self, path: str) -> bytes:
        """Raises: OSError."""
        with self.opener.open(self.address + path, timeout=PATIENCE) as answer:
            content: bytes = answer.read()
        return content

    def found(self, path: str) -> bool:
        """Whether there is such a file."""
        try:
            self.get(path)
        except OSError:
            return False
        return True

    def shows(self, path: str, text: bytes) -> bool:
        """Whether that page does."""
        return text in self.get(path)

    def send(self, photo: bytes) -> None:
        """In a form of the first page."""
        token = re.search(rb'name="form_token" value="(\w+)"', self.get("/"))
        assert token
        head = b'--x\r\nContent-Disposition: form-data; name="'
        body = head + b'form_token"\r\n\r\n' + token[1] + b"\r\n"
        body += head + b'photos"; filename="a.jpg"\r\n\r\n' + photo + b"\r\n--x--\r\n"
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        asked = urllib.request.Request(f"{self.address}/photos", body, kind)
        self.opener.open(asked, timeout=PATIENCE).read()


def _until(happened: Callable[[], bool]) -> None:
    """Raises: AuditError."""
    until = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > until:
            raise AuditError(
                "the server does not get on",
                expected=f"an answer within {PATIENCE:g} s",
                remedy="read above what it says",
            )
        time.sleep(0.02)


def tables(measured: Measured) -> dict[str, str]:
    """`web`, a sentence."""
    about, steps = measured["about"], measured["steps"]
    first, whole, step = (statistics.median(measured[k]) for k in ("first", "whole", "steps"))
    lines = (
        f"On {about['cores']} cores ({about['processor']}), with what comes along: the first",
        "preview of a photo of 12 megapixels with one face is there",
        f"{first:.1f} s after it was sent, all of it after {whole:.1f} s; another strength takes",
        f"{step:.0f} ms, {max(steps):.0f} at most; the server uses at most",
        f"{measured['memory'] / 1e9:.1f} GB (`python -m benchmarks.web`).",
    )
    return {"web": "\n".join(lines)}


if __name__ == "__main__":
    record.alone("web", sys.modules[__name__])
