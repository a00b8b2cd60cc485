"""Two commands, each killed thirty times. `python -m benchmarks.interruptions`

`benchmarks.interrupted` says what is looked at.
"""

from __future__ import annotations

import random
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import record
from benchmarks.interrupted import Trial
from benchmarks.lfw import export
from benchmarks.record import Measured

TIMED = False
KILLS = 30
PEOPLE, EACH = 10, 4
"""Of whom `protect` cloaks photos."""
COMMANDS = {
    "protect": "protect FOLDER --out {out} --cache {cache} --surrogate dlib --preview",
    "audit": "audit --adversary adaptive --preset quick --out {out} --cache {cache}",
}
"""FOLDER stands for the photos."""


def measure() -> Measured:
    """Per command how often it was killed, and what was found. One that was done stays so."""
    return {
        "commands": {
            name: record.piece(f"interruptions-{name}", partial(killed, name)) for name in COMMANDS
        }
    }


def killed(name: str) -> Measured:
    """One command."""
    folder = record.fresh(f"interruptions-{name}")
    photos = folder / "photos"
    export(photos, PEOPLE, EACH)
    words = [str(photos) if word == "FOLDER" else word for word in COMMANDS[name].split()]
    with tempfile.TemporaryDirectory() as place:
        trial = Trial(record.cli(*words), Path(place), random.Random(0))
        trial.run(KILLS)
    return {"kills": trial.kills, "checked": trial.checked, "violations": trial.violations}


def tables(measured: Measured) -> dict[str, str]:
    """`interruptions`: a line per command."""
    photos = f" on {PEOPLE * EACH} photos"
    lines = [
        f"- `-- {COMMANDS[name]}`{photos * (name == 'protect')}: killed {one['kills']}\n"
        f"  times, {one['checked']:,} finished files looked at, {len(one['violations'])} violations"
        for name, one in measured["commands"].items()
    ]
    return {"interruptions": "\n".join(lines)}


if __name__ == "__main__":
    record.alone("interruptions", sys.modules[__name__])
