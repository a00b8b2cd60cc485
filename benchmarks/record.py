"""What a benchmark keeps: plain JSON, and where, when and of which code it was measured."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from lowkey_core.errors import AuditError
from lowkey_core.weights import ASSETS_VARIABLE
from lowkey_core.work.files import write_atomically

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
FOLDER = Path(tempfile.gettempdir()) / "lowkey-audit-benchmarks"
"""Of all that may be used again after an interruption."""
MAX_LOAD = 0.7
"""Of the last minute, before wall time is measured."""
_VERSIONS = ("torch", "torchvision", "numpy", "pillow", "scipy", "scikit-learn")
_PACKAGES = ("audit", "lowkey_core", "adversaries", "reports", "web")
_CODE = ("cli.py", *_PACKAGES, ":(glob)benchmarks/*.py")
_NUMBERS = re.compile(r"\[\s+((?:-?[\d.e+-]+,?\s+)+)\]")

Measured = dict[str, Any]
"""Numbers under names, and under `about` what `about` returns."""


class Benchmark(Protocol):
    """What a module of this package exports that has a results file."""

    TIMED: bool
    """Whether wall time is part of it, so that the machine must be idle."""

    def measure(self) -> Measured:
        """Takes minutes. Plain JSON: counts rather than rates."""

    def tables(self, measured: Measured) -> dict[str, str]:
        """Marker to Markdown. Pure: needs neither data nor weights."""


def about(name: str) -> dict[str, Any]:
    """When and where: what no rendered figure depends on, but whoever doubts one asks for."""
    import torch

    return {
        "command": f"python -m benchmarks.{name}",
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "commit": commit(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),
        "versions": {
            "python": platform.python_version(),
            **{package: importlib.metadata.version(package) for package in _VERSIONS},
        },
    }


def commit() -> str:
    """The last one that changed what measures or is measured; "+changes" if more has changed."""
    try:
        said = [
            subprocess.run(
                ["git", *words, "--", *_CODE], cwd=ROOT, check=True, capture_output=True, text=True
            ).stdout.strip()
            for words in (["log", "-1", "--format=%H"], ["status", "--porcelain", "-uno"])
        ]
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return said[0] + ("+changes" if said[1] else "")


def processor() -> str:
    """Its name, as far as the system tells."""
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def measured(name: str, benchmark: Benchmark) -> Measured:
    """Measures, and says what was measured."""
    facts = about(name)  # before: the load is that of others
    start = time.perf_counter()
    found = benchmark.measure()
    return {"about": {**facts, "seconds": round(time.perf_counter() - start)}, **found}


def load(name: str) -> Measured | None:
    """What was kept. None if it was never measured."""
    path = RESULTS / f"{name}.json"
    found: Measured | None = json.loads(path.read_text("utf-8")) if path.is_file() else None
    return found


def save(name: str, found: Measured) -> None:
    """A line per number or list of numbers; the old file or the new one, never half of one."""
    write_atomically(RESULTS / f"{name}.json", as_text(found).encode())


def as_text(found: Measured) -> str:
    """JSON that reads well in a diff."""
    text = json.dumps(found, indent=1, ensure_ascii=False)
    return _NUMBERS.sub(lambda m: f"[{' '.join(m[1].split())}]", text) + "\n"


def piece(name: str, make: Callable[[], Measured]) -> Measured:
    """One part of a long measurement: an interrupted benchmark does not make it again.

    Only for code that is committed as it is, and until `forget`.
    """
    code = commit()
    path = FOLDER / "pieces" / code / f"{name}.json"
    if path.is_file():
        found: Measured = json.loads(path.read_text("utf-8"))
        return found
    made = make()
    if len(code) == 40:
        write_atomically(path, as_text(made).encode())
    return made


def forget(name: str) -> None:
    """Whatever pieces and files of a benchmark are kept: it is finished."""
    for folder in FOLDER.glob(f"{name}*"):
        shutil.rmtree(folder)
    for path in (FOLDER / "pieces").glob(f"*/{name}-*.json"):
        path.unlink()


def wait_until_idle(patience: float = 0.0) -> None:
    """patience: seconds to wait for the load to fall. Raises: AuditError."""
    end = time.monotonic() + patience
    while (now := os.getloadavg()[0]) > MAX_LOAD:
        if time.monotonic() >= end:
            raise AuditError(
                f"the machine is busy (load {now:.2f} in the last minute)",
                expected=f"at most {MAX_LOAD}, as wall time is measured",
                remedy="stop what else is running and wait a minute, or give --busy",
            )
        time.sleep(min(5.0, patience))


def alone(name: str, benchmark: Benchmark) -> None:
    """What `python -m benchmarks.NAME` does: measure, and print the tables; nothing is kept."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    if benchmark.TIMED:
        parser.add_argument("--busy", action="store_true", help="Measure on a busy machine, too.")
    given = parser.parse_args()
    try:
        if benchmark.TIMED and not given.busy:
            wait_until_idle()
        found = measured(name, benchmark)
    except AuditError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    forget(name)
    for marker, text in benchmark.tables(found).items():
        print(f"{marker}:\n\n{text}\n")


def cli(*words: str) -> list[str]:
    """The product's command line, run with `ROOT` as its folder."""
    return [sys.executable, str(ROOT / "cli.py"), *words]


def called(*words: str, codes: Sequence[int] = (0,), bare: bool = False) -> float:
    """Runs it, in the folder of the project; what it prints goes to stderr. Returns its seconds.

    codes: exit codes that are in order. bare: without CLOAK_ASSETS, with what comes along.
    Raises: AuditError.
    """
    given = {k: v for k, v in os.environ.items() if not (bare and k == ASSETS_VARIABLE)}
    start = time.perf_counter()
    done = subprocess.run(
        cli(*words), cwd=ROOT, env=given, stdin=subprocess.DEVNULL, stdout=2, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode not in codes:
        raise AuditError(
            f"`cli.py {' '.join(words)}` exits with {done.returncode}",
            expected=f"one of {', '.join(map(str, codes))}",
            remedy="read above what it says",
        )
    return seconds


def apart(*words: str, env: Mapping[str, str] | None = None) -> Any:
    """What `python -m WORDS` says, plain JSON, in a process of its own. Raises: AuditError."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AuditError(
            f"`python -m {' '.join(words)}` fails",
            expected="what it measures",
            remedy=f"read what it says: {done.stderr.strip()[-500:]}",
        )
    return json.loads(done.stdout)


def fresh(name: str) -> Path:
    """An empty folder for a benchmark's files."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
