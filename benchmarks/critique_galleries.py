"""What else is in the gallery, on LFW. `python -m benchmarks.critique_galleries`"""

from __future__ import annotations

import sys

from benchmarks import record
from benchmarks.critique import audited, both
from benchmarks.record import Measured

TIMED = False


def measure() -> Measured:
    """The cells of plans/critique-galleries.toml."""
    return audited("galleries")


def tables(measured: Measured) -> dict[str, str]:
    """`critique galleries`."""
    columns = ("gallery", "adversary", "recogniser", "protection", "control")
    cells = [(c["scenario"], c["adversary"], c["recogniser"], *both(c)) for c in measured["cells"]]
    return {"critique galleries": record.table(columns, cells)}


if __name__ == "__main__":
    record.alone("critique_galleries", sys.modules[__name__])
