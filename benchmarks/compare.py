"""Does the code of two commits find the same? `python -m benchmarks.compare OLD NEW`

Runs one audit in both, one after the other, each in a git worktree and with an empty cache of its
own, with the same number of threads, and compares every number of the two reports. Exits with 1
where a number that both have differs. What only one of them has is listed and does not count.
"""

from __future__ import annotations

import argparse
import math
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import numbers
from benchmarks.numbers import Counts, Numbers
from lowkey_core.errors import AuditError

ROOT = Path(__file__).parents[1]
AUDIT = "audit --preset offline"
MEASURED = (0, 3)
"""Exit codes of an audit that leaves a report: measured, or inconclusive."""
ASSETS = "CLOAK_ASSETS"


@dataclass(frozen=True)
class Run:
    """What a commit made of its command."""

    commit: str
    command: str
    report: Mapping[str, Any]
    seconds: float
    """Wall time of the whole command."""


def main() -> None:
    """Prints what differs and the timings; exits with 0 (equal), 1 (not) or 2 (not possible)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare")
    parser.add_argument("commits", nargs=2, metavar=("OLD", "NEW"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--old", default=AUDIT, help=f"the first's command line [{AUDIT}]")
    parser.add_argument("--new", help="the second's, where flags were renamed [that of --old]")
    parser.add_argument("--rename", action="append", default=[], metavar="OLD=NEW")
    parser.add_argument("--tolerance", type=float, default=0.0, help="of floats as dssim and auc")
    given = parser.parse_args()
    names = dict(pair.partition("=")[::2] for pair in given.rename)
    if not all(names) or not all(names.values()):
        parser.error("--rename takes OLD=NEW")
    if given.threads < 1 or not given.tolerance >= 0:
        parser.error("--threads must be positive, and --tolerance not negative")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # clean up as usual
    commands = (given.old, given.new or given.old)
    try:
        old, new = [
            run(ROOT, commit, command, given.threads)
            for commit, command in zip(given.commits, commands, strict=True)
        ]
    except AuditError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    before = numbers.renamed(numbers.flatten(old.report), names)
    after = numbers.flatten(new.report)
    for line in (*lines(before, after, given.tolerance), *timings(old, new)):
        print(line)
    raise SystemExit(not agree(before, after, given.tolerance))


def run(repository: Path, commit: str, command: str, threads: int) -> Run:
    """Run a command line of `cli.py` as it is in a commit, with nothing kept from before.

    Raises: AuditError.
    """
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        out, cache = Path(folder) / "out", Path(folder) / "cache"
        with worktree(repository, commit, Path(folder) / "code") as code:
            words = [*shlex.split(command), "--out", str(out), "--cache", str(cache)]
            print(f"{commit}: cli.py {shlex.join(words)}", file=sys.stderr, flush=True)
            start = time.perf_counter()
            done = subprocess.run(  # what it prints goes to our stderr
                [sys.executable, "cli.py", *words],
                cwd=code,
                env=environment(threads),
                stdin=subprocess.DEVNULL,
                stdout=2,
                check=False,
            )
            seconds = time.perf_counter() - start
        if done.returncode not in MEASURED:
            raise AuditError(
                f"`{command}` of {commit} exits with {done.returncode}",
                expected="an audit that leaves a report",
                remedy="read above what it says, and give its command line with --old or --new",
            )
        return Run(commit, command, numbers.read(out / "report.json"), seconds)


def environment(threads: int) -> dict[str, str]:
    """Ours, without what would let another folder's modules in."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    if assets := kept.get(ASSETS):
        kept[ASSETS] = str(Path(assets).absolute())
    return {**kept, "OMP_NUM_THREADS": str(threads)}


@contextmanager
def worktree(repository: Path, commit: str, folder: Path) -> Iterator[Path]:
    """The files of a commit, in a folder that is gone afterwards. Raises: AuditError."""
    git = ["git", "-C", str(repository), "worktree"]
    added = subprocess.run(
        [*git, "add", "--detach", str(folder), commit], capture_output=True, text=True, check=False
    )
    try:
        if added.returncode:
            raise AuditError(
                f"no worktree of {commit!r} can be made ({added.stderr.strip()})",
                expected="a commit, tag or branch of this repository",
                remedy="see `git log`",
            )
        yield folder
    finally:
        removal = [*git, "remove", "--force", str(folder)]
        subprocess.run(removal, capture_output=True, check=False)


def equal(old: Counts | float, new: Counts | float, tolerance: float) -> bool:
    """Counts exactly, identity by identity; floats within the tolerance."""
    if isinstance(old, Counts) or isinstance(new, Counts):
        return old == new
    if old == new or (math.isnan(old) and math.isnan(new)):
        return True
    return abs(old - new) <= tolerance


def agree(old: Numbers, new: Numbers, tolerance: float) -> bool:
    """Whether there are numbers that both have, and all are equal."""
    both = old.keys() & new.keys()
    return bool(both) and all(equal(old[name], new[name], tolerance) for name in both)


def lines(old: Numbers, new: Numbers, tolerance: float) -> Iterator[str]:
    """How many are equal, then whatever is not."""
    both = [name for name in old if name in new]
    differing = [name for name in both if not equal(old[name], new[name], tolerance)]
    yield f"{len(both)} numbers compared, {len(both) - len(differing)} equal"
    for name in differing:
        yield f"differs: {name}: {old[name]}, then {new[name]}{_gap(old[name], new[name])}"
    for which, mine, other in (("old", old, new), ("new", new, old)):
        for name in mine:
            if name not in other:
                yield f"only in the {which}: {name}: {mine[name]}"


def _gap(old: Counts | float, new: Counts | float) -> str:
    values = [v.rate if isinstance(v, Counts) else v for v in (old, new)]
    if values[0] is None or values[1] is None:
        return ""
    if values[0] == values[1]:
        return " (the same rate, other identities)"
    return f" ({values[1] - values[0]:+.4g})"


def timings(old: Run, new: Run) -> Iterator[str]:
    """Seconds per stage and of the whole, side by side."""
    stages = [numbers.timings(r.report) | {"wall time": r.seconds} for r in (old, new)]
    for stage in dict.fromkeys((*stages[0], *stages[1])):
        seconds = (f"{s[stage]:.1f} s" if stage in s else "-" for s in stages)
        yield "time: {}: {}, then {}".format(stage, *seconds)


if __name__ == "__main__":
    main()
