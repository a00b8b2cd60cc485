"""One process beside four workers, one of which may be killed. `python -m benchmarks.workers`

An audit with an empty cache, with one thread in each process: how long it takes, how much processor
time, and whether the reports are equal.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import psutil

from benchmarks import record
from benchmarks.compare import MEASURED
from benchmarks.record import Measured
from lowkey_core.errors import AuditError

TIMED = True
COMMAND = "audit --attack lowkey --dataset lfw --adversary adaptive,detection --preset standard"
WORKERS = 4
MIDDLE = 0.4
"""Of the time that the audit takes with workers: when one of them is killed."""


def measure(command: str = COMMAND) -> Measured:
    """Per way of working: seconds, processor seconds of all its processes, and a digest of the
    report without its timings."""
    alone = record.piece("workers-alone", partial(run, command, 0))
    helped = record.piece("workers-helped", partial(run, command, WORKERS))
    middle = MIDDLE * helped["seconds"]
    killed = record.piece("workers-killed", partial(run, command, WORKERS, middle))
    ways = {"alone": alone, "helped": helped, "killed": killed}
    return {"command": command, "workers": WORKERS, "ways": ways}


def run(command: str, workers: int, kill_after: float = 0.0) -> Measured:
    """One audit. workers: 0: none. kill_after: seconds, 0: nobody is killed. Raises: AuditError."""
    folder = record.fresh("workers")
    places = ["--out", str(folder / "out"), "--cache", str(folder / "cache")]
    words = [*command.split(), *places, *(["--workers", str(workers)] if workers else [])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    began = time.perf_counter()
    process = subprocess.Popen(
        record.cli(*words), cwd=record.ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=2
    )
    killed: list[int] = []
    timer = threading.Timer(kill_after, lambda: killed.extend(kill(process.pid)))
    if kill_after:
        timer.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    timer.cancel()
    code = process.returncode = os.waitstatus_to_exitcode(status)
    if code not in MEASURED or len(killed) != bool(kill_after):
        raise AuditError(
            f"`cli.py {' '.join(words)}` exits with {code}, and {len(killed)} workers were killed",
            expected=f"an audit, and {int(bool(kill_after))} killed",
            remedy="read above what it says",
        )
    return {
        "seconds": round(seconds, 1),
        "processor": round(usage.ru_utime + usage.ru_stime, 1),
        "report": digest(folder / "out" / "report.json"),
    }


def kill(process: int) -> Sequence[int]:
    """Kills the first worker of an audit, if there is one. Returns its number."""
    for child in psutil.Process(process).children():
        if "spawn_main" in " ".join(child.cmdline()):
            child.kill()
            return [child.pid]
    return []


def digest(report: Path) -> str:
    """Of all that two runs of one plan have in common."""
    found = json.loads(report.read_text("utf-8"))
    del found["timings"]
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def tables(measured: Measured) -> dict[str, str]:
    """`workers`."""
    ways, workers = measured["ways"], measured["workers"]
    alone = ways["alone"]
    shown = {
        "alone": "one process",
        "helped": f"{workers} workers",
        "killed": f"{workers} workers, one killed in the middle",
    }
    rows = [
        (
            name,
            f"{ways[way]['seconds']:.0f}",
            f"{ways[way]['seconds'] / alone['seconds']:.2f}",
            f"{ways[way]['processor'] / alone['processor']:.2f}",
            "yes" if ways[way]["report"] == alone["report"] else "no",
        )
        for way, name in shown.items()
    ]
    columns = ("", "seconds", "of one process", "processor time, of one process", "same report")
    about = measured["about"]
    told = (
        f"`{measured['command']}` with an empty cache on {about['cores']} cores "
        f"({about['processor']}), one thread in each process:\n\n"
    )
    return {"workers": told + record.table(columns, rows)}


if __name__ == "__main__":
    record.alone("workers", sys.modules[__name__])
