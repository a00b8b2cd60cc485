"""Whether small batches and fewer epochs make a weaker adversary. `python -m benchmarks.learning`

Three splits of LFW: the adversaries as they are, beside the recipe of version 0.2, on the same
cloaks and probes.
"""

from __future__ import annotations

import sys

from benchmarks import numbers, record
from benchmarks.compare import MEASURED
from benchmarks.numbers import Counts, Numbers
from benchmarks.record import Measured

TIMED = False
ADAPTIVE = {"now": "adaptive", "before": "adaptive:batch=32:epochs=12"}
DETECTION = {"now": "detection", "before": "detection:epochs=6"}
TRANSFORMS = ("none", "jpeg:75", "jpeg:30")
FIRST = "mobilefacenet:ms1m"
COMMAND = (
    *("audit", "--dataset", "lfw", "--preset", "quick", "--seeds", "3", "--attack", "lowkey"),
    *("--recogniser", FIRST, "--adversary", ",".join((*ADAPTIVE.values(), *DETECTION.values()))),
)


def measure() -> Measured:
    """Numbers of cells. An interrupted one goes on."""
    folder = record.FOLDER / "learning"
    words = [*COMMAND, "--out", str(folder / "out"), "--cache", str(folder / "cache")]
    record.called(*words, codes=MEASURED)
    found = numbers.flatten(numbers.read(folder / "out" / "report.json"))
    kept = ("rank-1 cloaked", "rank-1 control", "flagged cloaked", "flagged clean")
    return {
        "numbers": numbers.as_json(
            {k: v for k, v in found.items() if k.rpartition(numbers.SEPARATOR)[2] in kept}
        )
    }


def tables(measured: Measured) -> dict[str, str]:
    """`learning`: what either recipe finds."""
    found = numbers.from_json(measured["numbers"])
    rows = []
    for transform in TRANSFORMS:
        rows += [
            (
                f"{what}, {transform}",
                *(_hits(found, kind, names[when], transform) for when in ("before", "now")),
            )
            for what, kind, names in (
                ("people found after retraining", "rank-1 cloaked", ADAPTIVE),
                ("clean pictures found after retraining", "rank-1 control", ADAPTIVE),
                ("cloaks spotted", "flagged cloaked", DETECTION),
                ("clean pictures flagged", "flagged clean", DETECTION),
            )
        ]
    return {"learning": record.table(("", "recipe of version 0.2", "now"), rows)}


def _hits(found: Numbers, what: str, adversary: str, transform: str) -> str:
    (value,) = numbers.cells(found, what, {"adversary": adversary, "transform": transform})
    assert isinstance(value, Counts)
    return f"{sum(value.hits)} of {sum(value.trials)}"


if __name__ == "__main__":
    record.alone("learning", sys.modules[__name__])
