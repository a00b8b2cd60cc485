"""`veil` against `lowkey` at one DSSIM. `python -m benchmarks.veil_measured`

40 of the 60 people of LFW whom no network of this project learned from, four clean probes each,
against edgeface:xxs and mobilefacenet:ms1m: neither was a surrogate, nor a judge while `veil` was
chosen (`benchmarks.veil`). The price of visibility of each cloak is set on the DSSIM of its own
published pictures; no recogniser is asked for it.
"""

from __future__ import annotations

import math
import sys
from functools import partial
from statistics import median

from torch import Generator, Tensor

from audit import statistics
from benchmarks import record
from benchmarks.lfw import Own, nearest_people, own
from benchmarks.record import Measured
from benchmarks.veil import SURROGATES, mutual
from lowkey_core import recognisers, transforms
from lowkey_core.cloaks import load
from lowkey_core.faces.visibility import dssim
from lowkey_core.publish.served import served
from lowkey_core.publish.tool import CloakTool
from lowkey_core.types import Pictures
from lowkey_core.work import runtime
from lowkey_core.work.work import Work

TIMED = True
PEOPLE, EACH, PROBES = 40, 4, 4
TUNED_ON = 10
"""People on whose pictures a price is looked for, before all are cloaked."""
JUDGES = ("edgeface:xxs", "mobilefacenet:ms1m")
TRANSFORMS = ("none", "jpeg:75")
PRICE = 24
"""Of `lowkey`, at which it protects in part; at 16 it protects 0.77 against edgeface:xxs."""
WITHIN, TRIES = 0.01, 6
"""Means of DSSIM agree to this share; prices that are tried at most."""
ROUNDS = 3
"""Times that both cloaks are timed in turn."""


def measure() -> Measured:
    """Per cloak: its name, DSSIM, cost, misses per person by judge and transform, and how often a
    cloaked picture finds another one of its person. A finished one is kept."""
    runtime.tune()
    theirs = own(PEOPLE, EACH, untaught=True, probes=PROBES)
    few = Own(theirs.clean.of(range(TUNED_ON)), theirs.others, theirs.probes)

    def kept(label: str, name: str, target: float | None) -> Measured:
        make = partial(_one, theirs, few, name, target)
        return record.piece(f"veil_measured-{label}", make)

    lowkey = kept("lowkey", "lowkey", None)
    veil = kept("veil", "veil", lowkey["dssim"])
    cost = record.piece("veil_measured-cost", lambda: {"cost": _cost(few)})
    return {"cloaks": {"`lowkey`": {**lowkey, "cost": 1.0}, "`veil`": {**veil, **cost}}}


def _cost(few: Own) -> float:
    """Seconds per face of `veil`, of those of `lowkey` in the same round: the median of some."""

    def seconds(name: str) -> float:
        work = Work()
        _published(few, name, PRICE, work)
        spent = work.mean_seconds(name)
        assert spent is not None
        return spent

    return median(seconds("veil") / seconds("lowkey") for _ in range(ROUNDS))


def _one(theirs: Own, few: Own, name: str, target: float | None) -> Measured:
    """target: mean DSSIM of the published pictures; None: what PRICE leads to."""
    price, work = float(PRICE), Work()
    if target is not None:
        price = _price(few, name, _published(few, "lowkey", PRICE, Work())[1], price)
    published, seen = _published(theirs, name, price, work)
    if target is not None and abs(seen / target - 1) > 2 * WITHIN:
        price = _price(theirs, name, target, price)
        work = Work()
        published, seen = _published(theirs, name, price, work)
    return {
        "name": f"{name}:ssim_price={price:.3f}",
        "dssim": seen,
        "missed": {
            judge: {t: _missed(theirs, judge, published, t) for t in TRANSFORMS} for judge in JUDGES
        },
        "clean": {judge: _missed(theirs, judge, theirs.clean, "none") for judge in JUDGES},
        "mutual": {judge: list(mutual(theirs, published, judge, EACH)) for judge in JUDGES},
    }


def _published(theirs: Own, name: str, price: float, work: Work) -> tuple[Pictures, float]:
    """The 8-bit pictures, and their mean DSSIM."""
    surrogates = [recognisers.network(n) for n in SURROGATES]
    cloak = load(f"{name}:ssim_price={price:.3f}", lambda: surrogates, work)
    made = CloakTool(name, cloak, work)(theirs.clean, Generator().manual_seed(0))
    return made, float(dssim(theirs.clean.faces(), made.faces()).mean())


def _price(theirs: Own, name: str, target: float, start: float) -> float:
    """The price that leads to a mean DSSIM: by secants, both on a logarithmic scale."""
    tried = list[tuple[float, float]]()
    price = start
    for _ in range(TRIES):
        off = math.log(_published(theirs, name, price, Work())[1] / target)
        tried.append((math.log(price), off))
        if abs(off) < WITHIN:
            break
        slope = -1.0
        if len(tried) > 1:
            (x, a), (y, b) = tried[-2:]
            slope = min(-0.2, (b - a) / (y - x)) if y != x else slope
        price = math.exp(tried[-1][0] - off / slope)
    return math.exp(min(tried, key=lambda found: abs(found[1]))[0])


def _missed(theirs: Own, judge: str, published: Pictures, transform: str) -> list[list[int]]:
    """Probes of each person that are not recognised at rank 1, and how many there are."""
    shown = published.join(theirs.others)
    ranks = nearest_people(
        judge, served(shown, transform, transforms.load(transform)), theirs.probes
    )
    people = theirs.probes.people
    owner = theirs.probes.identities

    def count(which: Tensor) -> list[int]:
        return [int(which[owner == who].sum()) for who in people]

    return [count(ranks > 1), count(ranks > 0)]


def tables(measured: Measured) -> dict[str, str]:
    """`veil measured`, and `veil difference`, a sentence for each judge."""
    cloaks = measured["cloaks"]
    lowkey, veil = cloaks.values()
    rows = [
        (
            label,
            f"{one['dssim']:.4f}",
            f"{one['cost']:.2f}",
            *(_rate(one["missed"][judge][t]) for judge in JUDGES for t in TRANSFORMS),
            *("/".join(map(str, one["mutual"][judge])) for judge in JUDGES),
        )
        for label, one in cloaks.items()
    ]
    clean = ", ".join(f"{judge} {_rate(lowkey['clean'][judge])}" for judge in JUDGES)
    heads = (
        "cloak",
        "DSSIM",
        "time",
        *(f"{judge}{'' if t == 'none' else ', ' + t}" for judge in JUDGES for t in TRANSFORMS),
        *(f"mutual, {judge}" for judge in JUDGES),
    )
    said = "; ".join(
        f"{judge}{'' if t == 'none' else ' after ' + t}: {_difference(veil, lowkey, judge, t)}"
        for judge in JUDGES
        for t in TRANSFORMS
    )
    return {
        "veil measured": record.table(heads, rows)
        + f"\n\nOf the clean pictures the same probes miss: {clean}.",
        "veil difference": "Protection with `veil` less that with `lowkey`, paired by person: "
        f"{said}.",
    }


def _rate(counts: list[list[int]]) -> str:
    hits, trials = counts
    low, high = statistics.interval(hits, trials)
    return f"{sum(hits) / sum(trials):.2f} [{low:.2f}, {high:.2f}]"


def _difference(one: Measured, less: Measured, judge: str, transform: str) -> str:
    a, b = (tuple(each["missed"][judge][transform]) for each in (one, less))
    gap, (low, high) = statistics.difference(a, b)
    return f"{gap:+.2f} [{low:+.2f}, {high:+.2f}]"


if __name__ == "__main__":
    record.alone("veil_measured", sys.modules[__name__])
