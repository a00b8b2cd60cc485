"""Two cloaks before three recognisers, on LFW. `python -m benchmarks.critique_systems`

Each recogniser as it is, retrained on the tool's output, and behind a detector. Hours; what is
finished is kept.
"""

from __future__ import annotations

import sys

from benchmarks import record
from benchmarks.critique import audited, both, rate
from benchmarks.record import Measured

TIMED = False


def measure() -> Measured:
    """The cells of plans/critique-systems.toml."""
    return audited("critique-systems")


def tables(measured: Measured) -> dict[str, str]:
    """`critique systems`, as published."""
    columns = ("cloak", "recogniser", "adversary", "protection", "control", "unprotected found")
    cells = [
        (f"`{c['attack']}`", c["recogniser"], c["adversary"], *both(c), rate(c, "accuracy"))
        for c in measured["cells"]
        if c["transform"] == "none"
    ]
    return {"critique systems": record.table(columns, sorted(cells))}


if __name__ == "__main__":
    record.alone("critique_systems", sys.modules[__name__])
