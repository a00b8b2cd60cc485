"""Every cloak at its full steps, before networks that it never saw. `python -m benchmarks.cloaks`

The plan benchmarks/plans/cloaks.toml, an audit of LFW; three of the cloaks are also met by an
adversary that retrains on their output.
"""

from __future__ import annotations

import sys

from audit.report import PER_FACE
from benchmarks import record
from benchmarks.critique import audited, both, protection
from benchmarks.record import Measured

TIMED = True


def measure() -> Measured:
    """The cells of the plan."""
    return audited("cloaks")


def tables(measured: Measured) -> dict[str, str]:
    """`cloaks`, and `cloaks retrained`, both as published."""
    cells = [c for c in measured["cells"] if c["transform"] == "none"]
    by = {(c["attack"], c["recogniser"], c["adversary"]): c for c in cells}
    recognisers = list(dict.fromkeys(c["recogniser"] for c in cells))
    rows = [
        (
            f"`{attack}`",
            f"{dssim:.4f}",
            "-" if measured["st_lpips"][attack] is None else f"{measured['st_lpips'][attack]:.3f}",
            f"{measured['seconds'][PER_FACE + attack]:.2f}",
            *(protection(by[attack, recogniser, "oblivious"]) for recogniser in recognisers),
        )
        for attack, dssim in measured["dssim"].items()
    ]
    retrained = [
        (
            f"`{c['attack']}`",
            c["recogniser"],
            protection(by[c["attack"], c["recogniser"], "oblivious"]),
            *both(c),
        )
        for c in cells
        if c["adversary"] == "adaptive"
    ]
    return {
        "cloaks": record.table(
            ("cloak", "DSSIM", "ST-LPIPS", "seconds per face", *recognisers), rows
        ),
        "cloaks retrained": record.table(
            ("cloak", "recogniser", "oblivious", "adaptive", "control of adaptive"), retrained
        ),
    }


if __name__ == "__main__":
    record.alone("cloaks", sys.modules[__name__])
