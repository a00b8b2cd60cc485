"""Intervals whose unit is the identity: ten pictures of one face are not ten people.

Clopper-Pearson on an effective number of trials (Korn & Graubard 1998): the trials divided by
the design effect 1 + (m - 1) ICC, with m probes an identity and ICC their intra-class
correlation. It never claims certainty from 20 of 20, as bootstraps do.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

Interval = tuple[float, float]
TAIL = 0.025
"""Of a gate: how often, at most, one end of its bounds is on the wrong side."""
GATE_WEIGHT = 0.5
"""Of each of the two imaginary identities in a gate's bounds (ours, by simulation)."""


def clopper_pearson(hits: float, trials: float, confidence: float = 0.95) -> Interval:
    """Exact binomial interval; hits and trials may be fractional. trials > 0."""
    from scipy.special import betaincinv  # takes longer to import than `--help` may

    tail, misses = (1 - confidence) / 2, trials - hits
    low = float(betaincinv(hits, misses + 1, tail)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, misses, 1 - tail)) if misses > 0 else 1.0
    return low, high


def intra_class_correlation(
    hits: Sequence[int], trials: Sequence[int], weight: float = 1.0
) -> float:
    """How alike the probes of one identity are, in [0, 1]: the one-way ANOVA estimator.

    Two imaginary identities are added, one always and one never recognised, as Agresti and
    Coull add imaginary trials: without them, 20 of 20 would say nothing about correlation, and
    the interval would jump when a single probe changes. weight: of each, in real identities.
    """
    size = sum(trials) / len(trials)
    groups = [(float(h), float(n), 1.0) for h, n in zip(hits, trials, strict=True) if n]
    groups += [(size, size, weight), (0.0, size, weight)]
    count, total = sum(w for _, _, w in groups), sum(w * n for _, n, w in groups)
    if total <= count:  # one probe each: nothing can be correlated
        return 0.0
    mean = sum(w * h for h, _, w in groups) / total
    between = sum(w * n * (h / n - mean) ** 2 for h, n, w in groups) / (count - 1)
    within = sum(w * h * (1 - h / n) for h, n, w in groups) / (total - count)
    typical = (total - sum(w * n * n for _, n, w in groups) / total) / (count - 1)
    spread = between + (typical - 1) * within
    return min(1.0, max(0.0, (between - within) / spread)) if spread > 0 else 1.0


def effective_trials(hits: Sequence[int], trials: Sequence[int], weight: float = 1.0) -> float:
    """How many independent trials these are worth: between one an identity (of equally many
    trials) and all of them. weight: see `intra_class_correlation`."""
    total = sum(trials)
    if not total:
        return 0.0
    weighted = sum(n * n for n in trials) / total
    return total / (1 + (weighted - 1) * intra_class_correlation(hits, trials, weight))


def interval(hits: Sequence[int], trials: Sequence[int], confidence: float = 0.95) -> Interval:
    """For a rate counted per identity. Without trials: (0, 1)."""
    effective = effective_trials(hits, trials)
    if not effective:
        return 0.0, 1.0
    return clopper_pearson(effective * sum(hits) / sum(trials), effective, confidence)


def bounds(hits: Sequence[int], trials: Sequence[int], tail: float = TAIL) -> Interval:
    """For gates: each end alone is on the wrong side of the truth in `tail` of all audits at most.

    As `interval`, but that the imaginary identities weigh half a real one each: the sharpest of
    the bounds in docs/adr/0011 that keeps its promise. Without trials: (0, 1).
    """
    effective = effective_trials(hits, trials, GATE_WEIGHT)
    if not effective:
        return 0.0, 1.0
    return clopper_pearson(effective * sum(hits) / sum(trials), effective, 1 - 2 * tail)


Counted = tuple[Sequence[int], Sequence[int]]
"""Hits and trials, by identity."""


def difference(a: Counted, b: Counted, confidence: float = 0.95) -> tuple[float, Interval]:
    """Mean over identities of rate a less rate b, and its interval.

    a, b: (hits, trials) per identity, paired; identities without trials are left out. A t interval
    over the identities' differences, with two imaginary identities added that disagree in either
    direction: Bonett & Price's adjusted interval (2012) for pairs, carried over to rates. Without
    them, two recognisers that agree on 24 people would differ by exactly 0, with certainty.
    """
    from scipy.special import stdtrit

    gaps = [x / n - y / m for x, n, y, m in zip(*a, *b, strict=True) if n and m]
    if not gaps:
        return 0.0, (-1.0, 1.0)
    gap, values = sum(gaps) / len(gaps), [*gaps, 1.0, -1.0]
    centre, count = sum(gaps) / len(values), len(values)
    variance = sum((v - centre) ** 2 for v in values) / (count - 1)
    reach = float(stdtrit(count - 1, (1 + confidence) / 2)) * sqrt(variance / count)
    return gap, (max(-1.0, centre - reach), min(1.0, centre + reach))


def difference_bounds(a: Counted, b: Counted, tail: float = TAIL) -> tuple[float, Interval]:
    """For gates: as `difference`, each end alone wrong in `tail` of all audits at most.

    Three imaginary identities are added: two that disagree towards the end, one away from it
    (ours). With one each way, a cloak that loses 5% of people would pass for one that loses none
    too often, as none of 60 may be among them.
    """
    from scipy.special import stdtrit

    gaps = [x / n - y / m for x, n, y, m in zip(*a, *b, strict=True) if n and m]
    if not gaps:
        return 0.0, (-1.0, 1.0)
    gap, count = sum(gaps) / len(gaps), len(gaps) + 3
    reach = float(stdtrit(count - 1, 1 - tail))

    def end(side: float) -> float:
        values = [*gaps, side, side, -side]
        centre = sum(values) / count
        variance = sum((v - centre) ** 2 for v in values) / (count - 1)
        return centre + side * reach * sqrt(variance / count)

    return gap, (max(-1.0, min(gap, end(-1.0))), min(1.0, max(gap, end(1.0))))


def margin(people: int, tail: float = TAIL) -> float:
    """The least loss that a gate can rule out: of a run that is the baseline once more."""
    same: Counted = ([0] * people, [1] * people)
    return -difference_bounds(same, same, tail)[1][0]


def detectable(people: int, probes: int, rate: float = 0.9, correlation: float = 0.1) -> float:
    """The least difference of two cloaks, on the same probes, that an audit would tell from none
    in four of five cases: as if probes of one person were correlated alike, and the cloaks missed
    independent probes of a person (ours: the normal approximation; real pairs often agree more)."""
    from scipy.special import ndtri

    low = rate
    for _ in range(50):  # the variance is that of both rates, which are a difference apart
        gap = rate - low
        spread = sum(p * (1 - p) for p in (rate, low)) * (1 + (probes - 1) * correlation)
        wanted = float(ndtri(1 - TAIL) + ndtri(0.8)) * sqrt(spread / (people * probes))
        low = max(0.0, rate - (gap + wanted) / 2)
    return rate - low


def power(protected: int, probes: int, seeds: int = 1) -> str:
    """What an audit of this size can tell, at worst: when a person's probes all fare alike, and
    every split protects the same people."""
    splits = f" x {seeds} splits" if seeds > 1 else ""
    apart = f", +-{_reach(protected * seeds):.2f} if nobody is in two" if seeds > 1 else ""
    least = min(1.0, detectable(protected, probes))
    return (
        f"{protected} people x {probes} probes{splits}: "
        f"a rate of 0.5 is known to +-{_reach(protected):.2f} or better{apart}; of two cloaks, one "
        f"of 0.9 and one that protects {least:.2f} less are told apart in 4 of 5 audits; a run "
        f"like its baseline passes for no worse by {_up(margin(protected)):.2f}"
    )


def _up(value: float) -> float:
    """To two digits, never less: a margin that is stated must hold."""
    return ceil(value * 100) / 100


def _reach(people: int) -> float:
    """Half the width of the interval of a rate of 0.5."""
    low, high = clopper_pearson(people / 2, people)
    return (high - low) / 2
