"""What else is in the gallery, on LFW. `python -m benchmarks.critique_galleries`"""

from __future__ import annotations

import sys

from benchmarks import record
from benchmarks.critique import audited, protection, setting, value
from benchmarks.record import Measured

TIMED = False


def measure() -> Measured:
    """The cells of plans/critique-galleries.toml."""
    return audited("critique-galleries")


def tables(measured: Measured) -> dict[str, str]:
    """`critique galleries`: a row for each gallery, as published."""
    cells = [c for c in measured["cells"] if c["transform"] == "none"]
    who = list(dict.fromkeys((c["adversary"], c["recogniser"]) for c in cells))
    found = {(c["scenario"], c["adversary"], c["recogniser"]): c for c in cells}
    columns = ("gallery", *(f"`{adversary}`, {recogniser}" for adversary, recogniser in who))
    rows = [
        (f"`{name}`", *(protection(found[name, *each]) for each in who))
        for name in dict.fromkeys(c["scenario"] for c in cells)
    ]
    least = min(value(c, "control") for c in cells)
    return {
        "critique galleries": f"{setting(measured)} As published; controls at least {least:.2f}."
        f"\n\n{record.table(columns, rows)}"
    }


if __name__ == "__main__":
    record.alone("critique_galleries", sys.modules[__name__])
