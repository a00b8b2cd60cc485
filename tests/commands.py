"""The real command line in another process, watched."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO
from unittest import mock

ROOT = Path(__file__).parents[1]

# Not socket.bind: urllib3 binds ::1 when it is imported, to learn whether there is IPv6.
GUARD = f"""
import ipaddress, os, runpy, sys
TALK = ["socket." + e for e in ("connect", "getaddrinfo", "gethostbyname", "sendto", "sendmsg")]
def number(host):  # waitress parses its default address, which asks nobody
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False
def guard(event, arguments):
    if event in TALK and not (event == "socket.getaddrinfo" and number(arguments[0])):
        os.write(2, f"SOCKET {{event}} {{arguments}}".encode())
        os._exit(99)  # nothing can catch this
sys.addaudithook(guard)
sys.argv[0] = {str(ROOT / "cli.py")!r}
sys.path.insert(0, {str(ROOT)!r})
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def start(
    *arguments: object,
    limits: Callable[[], None] | None = None,
    stdout: IO[str] | int = subprocess.PIPE,
    **environment: str,
) -> subprocess.Popen[str]:
    """The command, which exits with 99 as soon as it would talk to anybody."""
    return subprocess.Popen(
        [sys.executable, "-c", GUARD, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limits,
        env={**os.environ, **environment},
    )


def finish(process: subprocess.Popen[str], code: int) -> tuple[str, str]:
    """Its stdout and stderr; `code` is the exit code it must have, without a traceback."""
    out, err = process.communicate(timeout=240)
    assert process.returncode == code, err
    assert "Traceback" not in err
    return out, err


def fails(*arguments: object, limits: Callable[[], None] | None = None, **environment: str) -> str:
    """The one line of an error, exit code 2."""
    _, err = finish(start(*arguments, limits=limits, **environment), 2)
    assert err.count("error: ") == 1
    return err.splitlines()[-1]


def refused(*arguments: object) -> str:
    """As `fails`, in this process, which saves the start of one: for errors of any usage."""
    from cli import main

    said, before = io.StringIO(), signal.getsignal(signal.SIGINT)
    code: object = None
    try:
        with (
            mock.patch.object(sys, "argv", ["cli.py", *map(str, arguments)]),
            contextlib.redirect_stderr(said),
        ):
            main()
    except SystemExit as ended:
        code = ended.code
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 2, said.getvalue()
    assert said.getvalue().count("error: ") == 1
    assert "Traceback" not in said.getvalue()
    return said.getvalue().splitlines()[-1]


def as_anybody() -> None:
    """Root may read and write what it likes; this process may not. Others change nothing."""
    libc = ctypes.CDLL(None)
    drop, override, read_search = 24, 1, 2  # <linux/prctl.h>, <linux/capability.h>
    libc.prctl(drop, override, 0, 0, 0)
    libc.prctl(drop, read_search, 0, 0, 0)
