"""How often intervals hold the truth, and gates pass what they must not. `python -m
benchmarks.coverage`

Beta-binomial people: each is protected with a probability of their own, drawn around one rate, so
that their probes are correlated. Needs neither pictures nor networks.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from audit import statistics
from benchmarks import record
from benchmarks.record import Measured

TIMED = False
AUDITS = 5000
"""Of each size, correlation and rate."""
WORST, AGAIN = 8, 50_000
"""So many cells, of all the worst, are drawn again so often: the worst of many is partly luck."""
PEOPLE, PROBES = (10, 15, 20, 30, 50), (3, 5, 10)
CORRELATIONS = (0.0, 0.1, 0.2, 0.3, 0.5)
RATES = (0.02, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.98)
PAIRED, MARGINS, GAINS = (10, 24, 50, 100), (0.05, 0.1, 0.2, 0.3), (0.0, 0.02, 0.05, 0.1)
SHOWN, GATE = "intervals of reports", "bounds of gates"
ENDS: dict[str, Callable[[list[int], list[int]], tuple[float, float]]] = {
    SHOWN: statistics.interval,
    GATE: statistics.bounds,
}
Counts = np.ndarray[Any, np.dtype[np.int64]]


def measure() -> Measured:
    """Of each size of audit: how many of AUDITS have the truth below the lower end, or above the
    upper one, for every cell of the grid in order; how many pass a margin that is just missed; of
    the worst of these how many of AGAIN; and how many pass `at least 0.7` at 0.9."""
    rates = {str(n): record.piece(f"coverage-{n}", partial(rate_cells, n)) for n in PEOPLE}
    pairs = {str(n): record.piece(f"coverage-p{n}", partial(pair_cells, n)) for n in PAIRED}
    again = record.piece("coverage-again", lambda: {n: worst_again(rates, n) for n in ENDS})
    paired = record.piece("coverage-pagain", lambda: {"passed": worst_pairs_again(pairs)})
    return {
        **{"audits": AUDITS, "again": AGAIN, "rates": rates, "pairs": pairs},
        **{"worst": again, "worst pairs": paired["passed"], "power": power()},
    }


def worst_again(rates: Measured, name: str) -> list[int]:
    """Of the WORST cells and ends of one kind, how many of AGAIN other audits are wrong there."""
    grid = [*itertools.product(PROBES, CORRELATIONS, RATES)]
    ends = [
        (wrong, int(people), cell, end)
        for people, found in rates.items()
        for end, name_of in enumerate(("low", "high"))
        for wrong, cell in zip(found[name][name_of], grid, strict=True)
    ]
    found = []
    for _, people, (probes, correlation, rate), end in sorted(ends, reverse=True)[:WORST]:
        rng = np.random.default_rng((people, AGAIN))
        hits = drawn(rng, people, probes, rate, correlation, AGAIN)
        reached = np.array([*map(_once(ENDS[name], probes), hits)])[:, end]
        found.append(int((reached < rate if end else reached > rate).sum()))
    return found


def worst_pairs_again(pairs: Measured) -> list[int]:
    """Of the WORST kinds of releases, how many of AGAIN other pairs of audits pass."""
    kinds = [(n, int(people), k) for people, f in pairs.items() for k, n in enumerate(f["passed"])]
    worst = sorted(kinds, reverse=True)[:WORST]
    return [pair_cells(people, AGAIN, kind)["passed"][0] for _, people, kind in worst]


def rate_cells(people: int) -> Measured:
    """Of an audit of so many people."""
    rng = np.random.default_rng(people)
    found: dict[str, dict[str, list[int]]] = {name: {"low": [], "high": []} for name in ENDS}
    for probes, correlation, rate in itertools.product(PROBES, CORRELATIONS, RATES):
        hits = drawn(rng, people, probes, rate, correlation)
        for name, ends in ENDS.items():
            low, high = np.array([*map(_once(ends, probes), hits)]).T
            found[name]["low"].append(int((low > rate).sum()))
            found[name]["high"].append(int((high < rate).sum()))
    return found


def drawn(
    rng: np.random.Generator,
    people: int,
    probes: int,
    rate: float,
    correlation: float,
    audits: int = AUDITS,
) -> Counts:
    """Hits, (audits, people)."""
    chance: Any = np.full((audits, people), rate)
    if correlation:
        spread = 1 / correlation - 1
        chance = rng.beta(rate * spread, (1 - rate) * spread, (audits, people))
    hits: Counts = rng.binomial(probes, chance)
    return hits


def _once(
    ends: Callable[[list[int], list[int]], tuple[float, float]], probes: int
) -> Callable[[Counts], tuple[float, float]]:
    """The ends for an audit's hits; for such as had been seen, the same again."""
    known: dict[tuple[int, ...], tuple[float, float]] = {}

    def ends_of(hits: Counts) -> tuple[float, float]:
        key = tuple(sorted(hits.tolist()))
        if key not in known:
            known[key] = ends([*key], [probes] * len(key))
        return known[key]

    return ends_of


def pair_cells(people: int, audits: int = AUDITS, only: int | None = None) -> Measured:
    """How many audits pass "no worse by more than" the margin by which the truth is worse. only:
    of this kind of releases, with luck of its own."""
    seed = people if only is None else (people, audits, only)
    rng, passed = np.random.default_rng(seed), []
    for kind, (margin, (before, after)) in enumerate(pair_grid(rng, people, audits)):
        if only not in (None, kind):
            continue
        trials = [probes_of(before, after)] * people
        wrong = 0
        for one, less in zip(after.tolist(), before.tolist(), strict=True):
            _, (low, _) = statistics.difference_bounds((one, trials), (less, trials))
            wrong += low >= -margin
        passed.append(wrong)
    return {"passed": passed}


def probes_of(before: Counts, after: Counts) -> int:
    """As many as anybody's hits, at least 3."""
    return max(3, int(before.max()), int(after.max()))


def pair_grid(
    rng: np.random.Generator, people: int, audits: int
) -> Iterator[tuple[float, tuple[Counts, Counts]]]:
    """Releases worse by the margin: some people lose everything while others gain; or everybody
    loses a share."""
    for margin, gain in itertools.product(MARGINS, GAINS):
        luck = rng.random((audits, people))
        before = np.where(luck < margin + gain, 4, np.where(luck < margin + 2 * gain, 0, 2))
        after = np.where(luck < margin + gain, 0, np.where(luck < margin + 2 * gain, 4, 2))
        yield margin, (before, after)
    for margin, rate, correlation in itertools.product(MARGINS, (0.5, 0.8, 0.95), (0.1, 0.3, 0.5)):
        spread = 1 / correlation - 1
        chance = rng.beta(rate * spread, (1 - rate) * spread, (audits, people))
        yield (
            margin,
            (rng.binomial(5, chance), rng.binomial(5, chance * (1 - margin / rate))),
        )


def power() -> dict[str, list[int]]:
    """Of AUDITS of 20 people and 5 probes at 0.9, how many say at least 0.7."""
    hits = drawn(np.random.default_rng(0), 20, 5, 0.9, 0.1)
    return {
        name: [sum(_once(ends, 5)(h)[0] >= 0.7 for h in hits), AUDITS]
        for name, ends in ENDS.items()
    }


def tables(measured: Measured) -> dict[str, str]:
    """`coverage` and `coverage pairs`."""
    audits, grid = measured["audits"], [*itertools.product(PROBES, CORRELATIONS, RATES)]
    rows = []
    for name in ENDS:
        sides = [
            (low / audits, high / audits, rate)
            for found in measured["rates"].values()
            for low, high, (_, _, rate) in zip(
                found[name]["low"], found[name]["high"], grid, strict=True
            )
        ]
        held = [1 - low - high for low, high, rate in sides if rate >= 0.05]
        worst = max(max(low, high) for low, high, _ in sides)
        passed, of = measured["power"][name]
        rows.append(
            (
                name,
                f"{min(held):.3f}",
                f"{sum(held) / len(held):.3f}",
                f"{worst:.4f}",
                f"{max(measured['worst'][name]) / measured['again']:.4f}",
                f"{passed / of:.3f}",
            )
        )
    columns = (
        *("", "least coverage", "mean coverage", "wrong at one end, at most"),
        *("the same, drawn again", "0.9 passes 0.7"),
    )
    wrong = [n / audits for found in measured["pairs"].values() for n in found["passed"]]
    again, worst = measured["again"], max(measured["worst pairs"]) / measured["again"]
    return {
        "coverage": record.table(columns, rows),
        "coverage pairs": (
            f"Of {len(wrong)} kinds of releases that are worse by just the margin, that which "
            f"passes most often does in {max(wrong):.4f} of {audits:,} audits. Of the {WORST} "
            f"worst, drawn again, it does in {worst:.4f} of {again:,}."
        ),
    }


if __name__ == "__main__":
    record.alone("coverage", sys.modules[__name__])
