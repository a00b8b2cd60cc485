"""Rank-1 on LFW of every recogniser, and what a view costs. `python -m benchmarks.recognition`"""

from __future__ import annotations

import sys

from benchmarks import record
from benchmarks.lfw import at_hand, cost, rank_one
from benchmarks.record import Measured
from lowkey_core.work import runtime

TIMED = True


def measure() -> Measured:
    """Per recogniser whose weights are at hand: hits, probes, and seconds for 64 faces."""
    runtime.tune()
    seconds = {name: cost(name) for name in at_hand()}
    found = {}
    for name in seconds:
        hits, probes = rank_one(name)
        found[name] = {"hits": hits, "probes": probes, "seconds": seconds[name]}
    return {"recognisers": found}


def tables(measured: Measured) -> dict[str, str]:
    """`recognition`."""
    found = measured["recognisers"]
    rows = [
        (
            name,
            f"{one['hits'] / one['probes']:.4f}",
            f"{one['hits']} of {one['probes']}",
            f"{one['seconds'] / found['dlib']['seconds']:.1f}",
        )
        for name, one in found.items()
    ]
    columns = ("recogniser", "rank-1", "hits", "cost of a view, dlib = 1")
    return {"recognition": record.table(columns, rows)}


if __name__ == "__main__":
    record.alone("recognition", sys.modules[__name__])
