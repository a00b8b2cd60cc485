"""Intervals whose unit is the identity: ten pictures of one face are not ten people.

Clopper-Pearson on an effective number of trials (Korn & Graubard 1998): the trials divided by
the design effect 1 + (m - 1) ICC, with m probes an identity and ICC their intra-class
correlation. It never claims certainty from 20 of 20, as bootstraps do.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
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
    """For a rate counted per identity. Without trials: (0, 1). Kept: pages ask again and again."""
    return _interval(tuple(hits), tuple(trials), confidence)


@lru_cache(maxsize=4096)
def _interval(hits: tuple[int, ...], trials: tuple[int, ...], confidence: float) -> Interval:
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

    People gain, or lose, so much each; of the mean gain and the mean loss there is a
    Clopper-Pearson interval over people, and both are squared and added, with the correlation of
    two outcomes of which a person has one (MOVER: Zou & Donner 2008). `difference` claims too much
    where a few people lose everything: docs/adr/0011.
    """
    gaps = [x / n - y / m for x, n, y, m in zip(*a, *b, strict=True) if n and m]
    if not gaps:
        return 0.0, (-1.0, 1.0)
    count = len(gaps)
    gained, lost = sum(max(g, 0.0) for g in gaps), sum(max(-g, 0.0) for g in gaps)
    return (gained - lost) / count, (
        -_most_lost(gained, lost, count, tail),
        _most_lost(lost, gained, count, tail),
    )


def _most_lost(gained: float, lost: float, people: int, tail: float) -> float:
    """The upper end of mean loss less mean gain."""
    gain, loss = gained / people, lost / people
    least = clopper_pearson(gained, people, 1 - 2 * tail)[0]
    most = clopper_pearson(lost, people, 1 - 2 * tail)[1]
    odds = (1 - gain) * (1 - loss)
    together = sqrt(gain * loss / odds) if odds > 0 else 0.0
    one, other = gain - least, most - loss
    return min(1.0, loss - gain + sqrt(one**2 + other**2 + 2 * together * one * other))


def margin(people: int, tail: float = TAIL) -> float:
    """The least loss that a gate can rule out: of a run that is the baseline once more."""
    same: Counted = ([0] * people, [1] * people)
    return -difference_bounds(same, same, tail)[1][0]


def detectable(people: int, probes: int, rate: float = 0.9, correlation: float = 0.1) -> float:
    """By how much less than `rate` another cloak must protect for `difference` to tell them apart
    in four of five audits.

    Of beta-binomial people, each protected with as much luck by one cloak as by the other, whose
    probes fare independently of each other's: a normal approximation (ours). 1 if nothing does.
    """
    from scipy.special import ndtri, stdtrit

    count = people + 2
    wanted = float(stdtrit(count - 1, 1 - TAIL) + ndtri(0.8))
    for percent in range(1, int(100 * rate) + 1):
        low = rate - percent / 100
        spread = sum(p * (1 - p) for p in (rate, low)) * (1 - correlation) / probes
        spread += (percent / 100) ** 2 * correlation * (1 - rate) / rate  # luck, cut in proportion
        error = sqrt((people * spread + 2) / ((count - 1) * count))
        if percent / 100 * people / count >= wanted * error:
            return percent / 100
    return 1.0


def comparing(people: int, probes: int) -> str:
    """What an audit of this size can tell of two cloaks, or of two releases of one."""
    told, passing = detectable(people, probes), ceil(margin(people) * 100) / 100
    apart = f"protects {told:.2f} less" if told < 1 else "protects nobody"
    return (
        f"two cloaks are told apart in 4 of 5 audits if one protects 0.90 and the other {apart}"
        f"{'' if told < 1 else ', if at all'}; a gate can rule out that a release is worse by "
        f"{min(1.0, passing):.2f}, or more, than its baseline"
    )


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
