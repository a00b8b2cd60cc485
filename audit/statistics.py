"""Intervals whose unit is the identity: ten pictures of one face are not ten people.

Clopper-Pearson on an effective number of trials (Korn & Graubard 1998): the trials divided by
the design effect 1 + (m - 1) ICC, with m probes an identity and ICC their intra-class
correlation. It never claims certainty from 20 of 20, as bootstraps do.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

Interval = tuple[float, float]


def clopper_pearson(hits: float, trials: float, confidence: float = 0.95) -> Interval:
    """Exact binomial interval; hits and trials may be fractional. trials > 0."""
    from scipy.special import betaincinv  # takes longer to import than `--help` may

    tail, misses = (1 - confidence) / 2, trials - hits
    low = float(betaincinv(hits, misses + 1, tail)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, misses, 1 - tail)) if misses > 0 else 1.0
    return low, high


def intra_class_correlation(hits: Sequence[int], trials: Sequence[int]) -> float:
    """How alike the probes of one identity are, in [0, 1]: the one-way ANOVA estimator.

    Two imaginary identities are added, one always and one never recognised, as Agresti and
    Coull add imaginary trials: without them, 20 of 20 would say nothing about correlation, and
    the interval would jump when a single probe changes.
    """
    size = sum(trials) / len(trials)
    groups = [(float(h), float(n)) for h, n in zip(hits, trials, strict=True) if n]
    groups += [(size, size), (0.0, size)]
    count, total = len(groups), sum(n for _, n in groups)
    if total <= count:  # one probe each: nothing can be correlated
        return 0.0
    mean = sum(h for h, _ in groups) / total
    between = sum(n * (h / n - mean) ** 2 for h, n in groups) / (count - 1)
    within = sum(h * (1 - h / n) for h, n in groups) / (total - count)
    typical = (total - sum(n * n for _, n in groups) / total) / (count - 1)
    spread = between + (typical - 1) * within
    return min(1.0, max(0.0, (between - within) / spread)) if spread > 0 else 1.0


def effective_trials(hits: Sequence[int], trials: Sequence[int]) -> float:
    """How many independent trials these are worth: between one an identity (of equally many
    trials) and all of them."""
    total = sum(trials)
    if not total:
        return 0.0
    weighted = sum(n * n for n in trials) / total
    return total / (1 + (weighted - 1) * intra_class_correlation(hits, trials))


def interval(hits: Sequence[int], trials: Sequence[int], confidence: float = 0.95) -> Interval:
    """For a rate counted per identity. Without trials: (0, 1)."""
    effective = effective_trials(hits, trials)
    if not effective:
        return 0.0, 1.0
    return clopper_pearson(effective * sum(hits) / sum(trials), effective, confidence)


def difference(
    a: tuple[Sequence[int], Sequence[int]],
    b: tuple[Sequence[int], Sequence[int]],
    confidence: float = 0.95,
) -> tuple[float, Interval]:
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


def power(protected: int, probes: int, seeds: int = 1) -> str:
    """What an audit of this size can tell, at worst: when a person's probes all fare alike, and
    every split protects the same people."""
    splits = f" x {seeds} splits" if seeds > 1 else ""
    apart = f", +-{_reach(protected * seeds):.2f} if nobody is in two" if seeds > 1 else ""
    return (
        f"{protected} people x {probes} probes{splits}: "
        f"a rate of 0.5 is known to +-{_reach(protected):.2f} or better{apart}"
    )


def _reach(people: int) -> float:
    """Half the width of the interval of a rate of 0.5."""
    low, high = clopper_pearson(people / 2, people)
    return (high - low) / 2
