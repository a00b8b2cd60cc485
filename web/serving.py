"""The server from start to end: a private folder, workers, a sweeper, waitress; then nothing."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from lowkey_core.errors import OptionError, StorageError, setting
from lowkey_core.work.files import explained, locked
from web.actions import photo_job
from web.app import create
from web.engine import Engine
from web.guard import Guard
from web.jobs import Jobs
from web.limits import Limits
from web.place import Server
from web.receiving import listening
from web.refused import Refused
from web.sessions import Sessions

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SWEPT_EVERY = 20.0
"""Seconds between two looks for sessions that are too old."""
PATIENCE = 20.0
"""Seconds that the end waits for what is under way."""


@dataclass(frozen=True)
class Where:
    """Where it is served."""

    host: str = "127.0.0.1"
    port: int = 5000
    names: frozenset[str] = frozenset()
    """Further host names by which it may be asked for."""
    folder: Path | None = None
    """Of the photos; None: one in the system's folder for temporary files."""


def serve(
    where: Where, limits: Limits, jobs: int, engine: Engine, say: Callable[[str], None]
) -> None:
    """Until it is told to end (SIGINT, SIGTERM). Photos are then deleted.

    Raises: StorageError, OptionError, and any AuditError of a cloak that cannot be had.
    """
    access = "" if where.host in LOOPBACK else secrets.token_urlsafe(24)
    with _socket(where) as own, private(where) as root:
        engine.prepare(say)
        tempfile.tempdir = str(root)  # of uploads that are under way: unnamed, and here
        running = start(root, limits, jobs, engine, _guard(where, limits, access))
        web = listening(create(running), own, limits)
        _announce(where, access, say)
        stopping = threading.Event()
        _leave_on_signals(stopping)
        threading.Thread(target=_sweep, args=(running, stopping), daemon=True).start()
        try:
            running.jobs.start()
            web.run()
        finally:
            stopping.set()
            say("ending; photos are being deleted")
            end(running)


def start(root: Path, limits: Limits, workers: int, engine: Engine, guard: Guard) -> Server:
    """The parts, and in the queue what an earlier server left undone. Nothing is worked on yet."""
    jobs = Jobs(workers, limits.waiting)
    sessions = Sessions(root, limits, gone=jobs.cancel)
    jobs.after = sessions.removed_again
    sessions.sweep()
    for session in sessions.all():
        for photo in session.photos:
            if photo.done is None:
                with contextlib.suppress(Refused):  # too many: the page offers to go on
                    jobs.submit(photo_job(session, photo, engine))
    return Server(limits, sessions, jobs, engine, guard)


def end(running: Server) -> None:
    """Nothing is left."""
    running.jobs.close(PATIENCE)
    running.sessions.forget_all()


@contextlib.contextmanager
def private(where: Where) -> Iterator[Path]:
    """The folder of all photos, for its owner alone, and for one server at a time; removed at the
    end. After a crash it is still there, and the next server on that port goes on with it.

    Raises: StorageError.
    """
    uid = os.getuid() if hasattr(os, "getuid") else "user"
    usual = Path(tempfile.gettempdir()) / f"lowkey-web-{uid}-{where.port}"
    root = where.folder or usual
    with explained(root):
        root.mkdir(mode=0o700, parents=where.folder is not None, exist_ok=True)
        found = root.lstat()
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    if not stat.S_ISDIR(found.st_mode) or not mine or stat.S_IMODE(found.st_mode) & 0o077:
        raise StorageError(
            f"{root} is not a folder of yours alone",
            expected="a folder that only you may open",
            remedy=f"remove it, or name another with {setting('folder')}",
        )
    try:
        with explained(root), locked(root / "server", lambda: _refuse(root)):
            yield root
    finally:
        with contextlib.suppress(OSError):  # another server is in it
            root.rmdir()


def _refuse(root: Path) -> None:
    raise StorageError(
        f"another server uses {root}",
        expected="one server for a folder",
        remedy=f"end it, or name another {setting('port')}",
    )


def _guard(where: Where, limits: Limits, access: str) -> Guard:
    names = {name.lower() for name in where.names}
    if where.host not in ("0.0.0.0", "::", ""):
        names.add(where.host.lower())
    return Guard(limits, f"lowkey_web_{where.port}", frozenset(names), access)


def _socket(where: Where) -> socket.socket:
    """Before anything of an earlier server is touched. Raises: OptionError."""
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    try:
        return socket.create_server((where.host, where.port), family=family)
    except OSError as error:
        raise OptionError(
            f"port {where.port} of {where.host} cannot be used ({error.strerror or error})",
            expected="an address of this machine, and a port that nobody has",
            remedy=f"name another with {setting('port')} or {setting('host')}",
        ) from error


def _announce(where: Where, access: str, say: Callable[[str], None]) -> None:
    host = f"[{where.host}]" if ":" in where.host else where.host
    say(f"open http://{host}:{where.port}/ in a browser; Ctrl+C ends it and deletes all photos")
    if access:
        say(
            "Others on your network can reach this server. What they send it is not encrypted. "
            "Who wants to use it must enter this token, which is not shown again:"
        )
        say(access)


def _sweep(running: Server, stopping: threading.Event) -> None:
    while not stopping.wait(SWEPT_EVERY):
        with contextlib.suppress(OSError):
            running.sessions.sweep()


def _leave_on_signals(stopping: threading.Event) -> None:
    def leave(_number: int, _frame: FrameType | None) -> None:
        if not stopping.is_set():
            stopping.set()
            raise SystemExit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
