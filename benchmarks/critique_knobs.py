"""What robust retraining depends on, on LFW. `python -m benchmarks.critique_knobs`"""

from __future__ import annotations

import sys
from functools import partial

from benchmarks import record
from benchmarks.critique import TRANSFORMS, audited, by_transform, protection, rate
from benchmarks.record import Measured

TIMED = False
BACKGROUNDS = (10, 30)
"""People to learn from, beside the preset's 60."""


def measure() -> Measured:
    """The cells of plans/critique-knobs.toml, and of its first adversary with fewer people."""
    fewer = {
        str(people): record.piece(
            f"critique_knobs-{people}",
            partial(
                audited, "critique-knobs", "--adversary", "adaptive", "--background", str(people)
            ),
        )
        for people in BACKGROUNDS
    }
    return {
        "all": record.piece("critique_knobs-all", lambda: audited("critique-knobs")),
        "fewer": fewer,
    }


def tables(measured: Measured) -> dict[str, str]:
    """`critique knobs`: a row for each way to retrain."""
    found = {
        **_by_adversary(measured["all"]),
        **{
            f"adaptive, {people} people": _by_adversary(fewer)["adaptive"]
            for people, fewer in measured["fewer"].items()
        },
    }
    rows = [
        (
            f"`{name}`" if "," not in name else name,
            *(protection(cells[transform]) for transform in TRANSFORMS),
            rate(cells["none"], "control"),
        )
        for name, cells in found.items()
    ]
    return {"critique knobs": record.table(("adversary", *TRANSFORMS, "control"), rows)}


def _by_adversary(measured: Measured) -> dict[str, dict[str, Measured]]:
    return {name: cells for (name,), cells in by_transform(measured["cells"], "adversary").items()}


if __name__ == "__main__":
    record.alone("critique_knobs", sys.modules[__name__])
