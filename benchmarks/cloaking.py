"""Views in turn against both views at every step. `python -m benchmarks.cloaking`

48 pictures of 12 people, surrogates dlib and mobilefacenet:casia; protection against recognisers
that had no part, searched among the other pictures of `benchmarks.lfw`.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

from benchmarks import record
from benchmarks.lfw import own
from benchmarks.record import Measured
from lowkey_core import recognisers
from lowkey_core.cloaks.lowkey import SCHEDULES, LowKey
from lowkey_core.faces.visibility import dssim
from lowkey_core.work import runtime
from lowkey_core.work.work import Work

TIMED = True
PEOPLE, EACH = 12, 4
UNSEEN = ("mobilefacenet:ms1m", "edgeface:xxs")


def measure() -> Measured:
    """Per schedule: seconds, mean DSSIM, and probes missed by each judge."""
    runtime.tune()
    surrogates = [recognisers.network(n) for n in ("dlib", "mobilefacenet:casia")]
    theirs, found = own(PEOPLE, EACH), {}
    for label, schedule in {
        "`lowkey`: one of four views a step": SCHEDULES[""],
        "both views, mirror averaged, at every step": replace(SCHEDULES[""], in_turn=False),
    }.items():
        start = time.perf_counter()
        published = theirs.cloaked(LowKey(surrogates, schedule), Work(), "cloaking")
        seconds = time.perf_counter() - start
        found[label] = {
            "seconds": seconds,
            "dssim": float(dssim(theirs.clean.faces(), published.faces()).mean()),
            "missed": {name: list(theirs.missed(name, published)) for name in UNSEEN},
        }
    return {"schedules": found}


def tables(measured: Measured) -> dict[str, str]:
    """`cloaking`: cost is relative to the first row's."""
    found = measured["schedules"]
    first = next(iter(found.values()))
    rows = [
        (
            label,
            f"{one['seconds'] / first['seconds']:.2f}",
            f"{one['dssim']:.4f}",
            *(f"{n / of:.2f}" for n, of in one["missed"].values()),
        )
        for label, one in found.items()
    ]
    columns = ("schedule", "cost", "DSSIM", *first["missed"])
    return {"cloaking": record.table(columns, rows)}


if __name__ == "__main__":
    record.alone("cloaking", sys.modules[__name__])
