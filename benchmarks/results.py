"""Every figure that the documents state. `python -m benchmarks.results [NAME ...]`

Measures what is named, or what has no file in benchmarks/results yet (--again: none of the code as
it is now), and renders the documents.
One benchmark at a time, each in a process of its own, kept as soon as it is finished: the same
command goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from benchmarks import documents, record
from benchmarks.record import Benchmark
from lowkey_core.errors import AuditError
from lowkey_core.work.files import write_atomically

NAMES = (
    "audits",
    "recognition",
    "detection",
    "chain",
    "learning",
    "spotting",
    "zoo",
    "cloaking",
    "speed",
    "lowkey",
    "cloaks",
    "critique_adversaries",
    "critique_galleries",
    "critique_systems",
    "critique_knobs",
    "veil",
    "veil_measured",
    "picture",
    "protected",
    "synthfaces",
    "copies",
    "threads",
    "web",
    "interruptions",
    "recipe",
    "coverage",
    "galleries",
    "strangers",
    "workers",
)
"""Modules of this package with `measure` and `tables`, in the order in which they run."""
PATIENCE = 300.0
"""Seconds that a timed benchmark waits for the load of the one before to fall."""


def main() -> None:
    """Exits with 1 if something could not be measured; documents are rendered all the same."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.results")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(NAMES)}")
    parser.add_argument(
        "--again", action="store_true", help="also what other code than this has measured"
    )
    parser.add_argument("--render", action="store_true", help="measure nothing")
    parser.add_argument("--busy", action="store_true", help="time things on a busy machine, too")
    parser.add_argument("--here", type=float, metavar="PATIENCE", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if unknown := set(given.names) - set(NAMES):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}: {', '.join(NAMES)}")
    if given.here is not None:
        raise SystemExit(measure(given.names[0], busy=given.busy, patience=given.here))
    try:
        failed = [] if given.render else run(given.names, again=given.again, busy=given.busy)
        for line in render():
            print(line)
    except AuditError as error:
        raise SystemExit(f"{error}") from None
    except KeyboardInterrupt:
        raise SystemExit("interrupted; the same command goes on from here") from None
    if failed:
        print(f"not measured: {', '.join(failed)}; the same command goes on from here")
    raise SystemExit(bool(failed))


def run(names: Sequence[str], *, again: bool, busy: bool) -> list[str]:
    """Those named, or all that have no results, each in a process. Returns those that failed."""
    wanted = names or [name for name in NAMES if missing(name, again=again)]
    failed = []
    for i, name in enumerate(wanted):
        print(f"{name} ({i + 1} of {len(wanted)})", file=sys.stderr, flush=True)
        patience = str(PATIENCE if i else 0)
        words = [name, "--here", patience, *["--busy"] * busy]
        command = [sys.executable, "-m", "benchmarks.results", *words]
        if subprocess.run(
            command, cwd=record.ROOT, stdin=subprocess.DEVNULL, check=False
        ).returncode:
            failed.append(name)
    return failed


def missing(name: str, *, again: bool) -> bool:
    """Whether it was never measured. again: or not with this code."""
    kept, code = record.load(name), record.commit()
    return kept is None or (again and (kept["about"]["commit"] != code or len(code) != 40))


def measure(name: str, *, busy: bool, patience: float) -> int:
    """One of them, in this process. Returns an exit code."""
    module = load(name)
    try:
        if module.TIMED and not busy:
            record.wait_until_idle(patience)
        record.save(name, record.measured(name, module))
    except AuditError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    record.forget(name)
    return 0


def load(name: str) -> Benchmark:
    """The module."""
    return cast(Benchmark, importlib.import_module(f"benchmarks.{name}"))


def tables() -> dict[str, str]:
    """Everything that can be rendered from what is kept."""
    found: dict[str, str] = {}
    for name in NAMES:
        if (measured := record.load(name)) is not None:
            found |= load(name).tables(measured)
    return found


def render(root: Path = documents.ROOT) -> list[str]:
    """Writes the documents. Returns what has no numbers, or no place. Raises: AuditError."""
    made, placed, said = tables(), set(), []
    for path in documents.documents(root):
        text = path.read_text("utf-8")
        new = documents.rendered(text, made)
        if new != text:
            write_atomically(path, new.encode())
        for marker in documents.markers(text):
            placed.add(marker)
            if marker not in made:
                said.append(f"{path.relative_to(root)}: {marker} was not measured, kept as it was")
    return said + [f"{marker} stands in no document" for marker in made if marker not in placed]


if __name__ == "__main__":
    main()
