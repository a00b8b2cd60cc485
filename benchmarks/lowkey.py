"""LowKey's own five tables, measured here. `python -m benchmarks.lowkey`

Transfer by architecture, smoothing on and off, PNG beside JPEG at rank 50, picture size, seconds
(Cherepanova et al., ICLR 2021, Sections 4 and 5): the plans benchmarks/plans/lowkey*.toml, each an
audit of LFW.
"""

from __future__ import annotations

import sys
from functools import partial

from audit import report as reports
from audit import statistics
from audit.outcomes import Rate, rank
from audit.report import PER_FACE, AuditReport
from benchmarks import record
from benchmarks.compare import MEASURED
from benchmarks.record import Measured

TIMED = True
PLANS = ("lowkey", "lowkey-dlib", "lowkey-casia")
FIRST, FURTHEST = "mobilefacenet:ms1m", "edgeface:xxs"
"""The recognisers of the tables with one: of a surrogate's family, and of none's."""
FORMATS = ("none", "jpeg:75", "jpeg:30")
SIZES = {
    "none": "250 pixels, as it is",
    "longest:125": "125",
    "longest:90": "90",
    "longest:64": "64",
}
WIDE = 50


def measure() -> Measured:
    """Per plan: its surrogates, and of each cell the counts of each rank; DSSIM and seconds per
    face of each cloak. A finished plan is not repeated."""
    return {"plans": {name: record.piece(f"lowkey-{name}", partial(_one, name)) for name in PLANS}}


def _one(name: str) -> Measured:
    folder = record.fresh(f"lowkey-{name}")
    plan = record.ROOT / "benchmarks" / "plans" / f"{name}.toml"
    words = ["audit", "--plan", str(plan), "--preset", "standard"]
    words += ["--out", str(folder / "out"), "--cache", str(folder / "cache")]
    record.called(*words, codes=MEASURED)
    return _numbers(reports.read(folder / "out"))


def _numbers(found: AuditReport) -> Measured:
    audited = {cloak.attack: cloak for cloak in found.cloaks}
    return {
        "surrogates": list(found.plan.publish.surrogates),
        "cells": [
            {
                "attack": cell.attack,
                "recogniser": cell.recogniser,
                "transform": cell.transform,
                "ranks": {
                    str(k): [[*rate.hits], [*rate.trials]]
                    for k in found.plan.measure.ranks
                    if (rate := cell.outcomes[rank(k)].cloaked)
                },
                "control": [[*cell.control.hits], [*cell.control.trials]],
            }
            for cell in found.cells
            if cell.attack in audited
        ],
        "dssim": {attack: cloak.quality[0].dssim for attack, cloak in audited.items()},
        "seconds": {attack: found.timings.get(PER_FACE + attack) for attack in audited},
    }


def tables(measured: Measured) -> dict[str, str]:
    """`lowkey transfer`, `smoothing`, `formats`, `sizes` and `seconds`."""
    plans = measured["plans"]
    whole, both = plans["lowkey"], (FIRST, FURTHEST)
    recognisers = list(dict.fromkeys(c["recogniser"] for c in whole["cells"]))
    transfer = [
        (
            " and ".join(plan["surrogates"]),
            f"{plan['dssim']['lowkey']:.4f}",
            *(_protection(plan, "lowkey", r, "none") for r in recognisers),
        )
        for plan in plans.values()
    ]
    smoothing = [
        (
            f"`{a}`",
            f"{whole['dssim'][a]:.4f}",
            *(_protection(whole, a, r, t) for r in both for t in FORMATS),
        )
        for a in whole["dssim"]
    ]
    formats = [(t, *(_found(whole, "lowkey", r, t, WIDE) for r in recognisers)) for t in FORMATS]
    sizes = [
        (
            said,
            *(_protection(whole, "lowkey", r, t) for r in both),
            *(_control(whole, r, t) for r in both),
        )
        for t, said in SIZES.items()
    ]
    start = whole["seconds"]["lowkey"]
    seconds = [
        (f"`{a}`", " and ".join(plan["surrogates"]), f"{s:.2f}", f"{s / start:.2f}")
        for plan in plans.values()
        for a, s in plan["seconds"].items()
    ]
    return {
        "lowkey transfer": record.table(("surrogates", "DSSIM", *recognisers), transfer),
        "lowkey smoothing": record.table(
            ("cloak", "DSSIM", *(f"{r}, {t}" for r in both for t in FORMATS)), smoothing
        ),
        "lowkey formats": record.table(("published as", *recognisers), formats),
        "lowkey sizes": record.table(
            ("longest side", *both, *(f"control, {r}" for r in both)), sizes
        ),
        "lowkey seconds": record.table(
            ("cloak", "surrogates", "seconds per face", "cost"), seconds
        ),
    }


def _cell(plan: Measured, attack: str, recogniser: str, transform: str) -> Measured:
    where = (attack, recogniser, transform)
    fields = ("attack", "recogniser", "transform")
    found: Measured = next(c for c in plan["cells"] if tuple(c[f] for f in fields) == where)
    return found


def _protection(plan: Measured, *where: str) -> str:
    hits, trials = _cell(plan, *where)["ranks"]["1"]
    return _shown(Rate(hits=hits, trials=trials).complement)


def _found(plan: Measured, attack: str, recogniser: str, transform: str, k: int) -> str:
    hits, trials = _cell(plan, attack, recogniser, transform)["ranks"][str(k)]
    return _shown(Rate(hits=hits, trials=trials))


def _control(plan: Measured, recogniser: str, transform: str) -> str:
    hits, trials = _cell(plan, "lowkey", recogniser, transform)["control"]
    return _shown(Rate(hits=hits, trials=trials))


def _shown(rate: Rate) -> str:
    low, high = statistics.interval(rate.hits, rate.trials)
    return f"{rate.value or 0:.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    record.alone("lowkey", sys.modules[__name__])
