"""Audits among 20,000 and 200,000 strangers. `python -m benchmarks.strangers`

Hours. Of either the most memory in use, and at each line of progress, how true it was what it said
of the time left. Pictures are photos of LFW, cut a little differently each time and made
small.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from benchmarks import record
from benchmarks.compare import MEASURED
from benchmarks.record import Measured
from lowkey_core.errors import AuditError

TIMED = True
COUNTS = (20_000, 200_000)
SIDE, CUT = 64, 120
"""Pixels of a picture, and of what it shows of a photo."""
A_FOLDER = 1000
FIRST, LAST = 0.1, 0.9
"""Of the whole time: what is said before or after that is not compared."""
_LEFT = re.compile(r": \d+ of \d+; ([\d.]+) (s|min|h) left (in all|of that)")
_FOUND = "finding faces: all"
_SECONDS = {"s": 1, "min": 60, "h": 3600}


def measure() -> Measured:
    """By number of strangers: bytes, seconds, and what was said of the time left."""
    folder = record.FOLDER / "strangers-pictures"
    make(folder, max(COUNTS))
    return {
        "side": SIDE,
        "audits": {
            str(count): record.piece(f"strangers-{count}", partial(audited, folder, count))
            for count in COUNTS
        },
    }


def make(folder: Path, count: int) -> None:
    """So many pictures, but for those that are there."""
    import io

    import numpy as np
    from PIL import Image

    from lowkey_core import datasets

    photos, rng = datasets.load("lfw").photos, np.random.default_rng(0)
    for number in range(count):
        left, top = (65 + rng.uniform(-6, 6, 2)).tolist()
        file = folder / f"{number // A_FOLDER:03d}" / f"{number:06d}.jpg"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            photo = Image.open(io.BytesIO(photos[number % len(photos)].read())).convert("RGB")
            box = (left, top, left + CUT, top + CUT)
            small = photo.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box)
            content = io.BytesIO()
            small.save(content, "JPEG", quality=90)
            file.write_bytes(content.getvalue())


def audited(pictures: Path, count: int) -> Measured:
    """An audit from nothing. Raises: AuditError."""
    folder = record.fresh(f"strangers-{count}")
    plan = record.ROOT / "benchmarks" / "plans" / "strangers.toml"
    words = ["audit", "--plan", str(plan), "--preset", "quick", "--distractors", str(count)]
    words += ["--distractor-dataset", str(pictures), "--out", str(folder / "out")]
    began = time.perf_counter()
    process = subprocess.Popen(
        record.cli(*words, "--cache", str(folder / "cache")),
        cwd=record.ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines, peak = list[tuple[float, str]](), 0
    for line in process.stderr:
        lines.append((time.perf_counter() - began, line))
        peak = _peak(process.pid) or peak
    if process.wait() not in MEASURED:
        raise AuditError(
            f"`cli.py {' '.join(words)}` exits with {process.returncode}",
            expected=f"one of {', '.join(map(str, MEASURED))}",
            remedy=f"read what it says: {lines[-1][1] if lines else ''}",
        )
    seconds = time.perf_counter() - began
    from audit import report as reports

    counts = reports.read(folder / "out").counts
    return {
        "enrolled": counts.enrolled,
        "without a face": len(counts.no_face),
        "peak": peak,
        "seconds": round(seconds),
        "left": [*left(lines, seconds)],
    }


def _peak(process: int) -> int:
    """Bytes that a process has used at most; 0 if it has ended."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0
    return 1024 * int(found[1]) if found else 0


def left(lines: Iterable[tuple[float, str]], end: float) -> Iterator[list[float]]:
    """What was said, and what it really was, in seconds. "Of that" is until all faces are found,
    "in all" until the audit ends."""
    lines = [*lines]
    found = next((now for now, line in lines if line.startswith(_FOUND)), end)
    said = [(now, words) for now, line in lines if (words := _LEFT.search(line))]
    first = next((now for now, words in said if words[3] == "in all"), end)
    for now, words in said:
        start, stop = (0.0, found) if words[3] == "of that" else (first, end)
        if FIRST <= (now - start) / (stop - start) <= LAST:
            yield [float(words[1]) * _SECONDS[words[2]], round(stop - now, 1)]


def tables(measured: Measured) -> dict[str, str]:
    """`strangers`: a row for each number."""
    rows = [
        (
            f"{found['enrolled']:,}",
            f"{found['peak'] / 1e9:.2f}",
            f"{found['seconds'] / 60:.0f}",
            f"{min(ratios):.2f} to {max(ratios):.2f}",
        )
        for found in measured["audits"].values()
        if (ratios := [said / true for said, true in found["left"]])
    ]
    columns = ("people enrolled", "peak memory, GB", "minutes", "time left, as said / as it was")
    return {"strangers": record.table(columns, rows)}


if __name__ == "__main__":
    record.alone("strangers", sys.modules[__name__])
