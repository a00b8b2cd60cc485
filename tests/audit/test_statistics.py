"""Intervals count people, not pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from audit import statistics
from audit.outcomes import Rate, together


@pytest.mark.parametrize(("hits", "trials"), [(0, 20), (20, 20), (7, 20), (1, 1)])
def test_one_probe_each_is_scipys_exact_interval(hits: int, trials: int) -> None:
    exact = binomtest(hits, trials).proportion_ci(method="exact")
    ours = statistics.interval([1] * hits + [0] * (trials - hits), [1] * trials)
    assert ours == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_certainty_is_never_claimed() -> None:
    low, high = statistics.interval([4] * 24, [4] * 24)
    assert low == pytest.approx(binomtest(24, 24).proportion_ci(method="exact").low, abs=1e-9)
    assert high == 1.0


def test_one_more_miss_does_not_sharpen_the_answer() -> None:
    all_hit = statistics.interval([4] * 24, [4] * 24)
    one_miss = statistics.interval([4] * 23 + [3], [4] * 24)
    assert one_miss[0] <= all_hit[0] + 0.03


def test_probes_that_agree_within_a_person_count_as_one() -> None:
    agreeing = statistics.effective_trials([4] * 12 + [0] * 12, [4] * 24)
    scattered = statistics.effective_trials([2] * 24, [4] * 24)
    assert agreeing == pytest.approx(24)
    assert scattered > 60


def drawn(
    rng: np.random.Generator, people: int, protected: int, probes: int, splits: int
) -> list[tuple[list[str], Rate]]:
    """Splits of a crowd who are each recognised with a probability of their own, mean 2/3."""
    p = rng.beta(1, 0.5, people)
    found = []
    for _ in range(splits):
        who = rng.choice(people, protected, replace=False)
        hits = tuple(rng.binomial(probes, p[who]).tolist())
        found.append(([str(w) for w in who], Rate(hits=hits, trials=(probes,) * protected)))
    return found


def pooled(splits: list[tuple[list[str], Rate]]) -> Rate:
    names = [*dict.fromkeys(name for called, _ in splits for name in called)]
    return together(names, splits)


@pytest.mark.parametrize(("people", "protected", "splits"), [(12, 8, 3), (60, 10, 3), (10, 8, 8)])
def test_splits_that_are_pooled_by_identity_cover_the_truth(
    people: int, protected: int, splits: int
) -> None:
    """People of a crowd come up in several splits. Were each entry another person, the interval
    would be too narrow."""
    rng, audits = np.random.default_rng(3), 600
    ours, careless = 0, 0
    widths, single_widths = [], []
    for _ in range(audits):
        parts = drawn(rng, people, protected, 4, splits)
        strangers = [([f"{i} {n}" for n in called], r) for i, (called, r) in enumerate(parts)]
        low, high = pooled(parts).interval
        bottom, top = pooled(strangers).interval
        ours += low <= 2 / 3 <= high
        careless += bottom <= 2 / 3 <= top
        widths.append(high - low)
        single = parts[0][1].interval
        single_widths.append(single[1] - single[0])
    assert ours / audits >= 0.93
    assert careless < ours
    assert np.mean(widths) < np.mean(single_widths)


def test_no_trials_is_no_knowledge() -> None:
    assert statistics.interval([0, 0], [0, 0]) == (0.0, 1.0)


@pytest.mark.parametrize(("mean", "correlation"), [(0.5, 0.0), (0.5, 0.6), (0.9, 0.5), (0.97, 0.3)])
def test_covers_the_truth_as_often_as_it_says(mean: float, correlation: float) -> None:
    """Beta-binomial people: 24 of them, 4 probes each."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        if correlation:
            spread = 1 / correlation - 1
            p = rng.beta(mean * spread, (1 - mean) * spread, 24)
        else:
            p = np.full(24, mean)
        low, high = statistics.interval(rng.binomial(4, p).tolist(), [4] * 24)
        covered += low <= mean <= high
    assert covered / 400 >= 0.94


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=30))
def test_an_interval_holds_its_rate_and_a_difference_its_gap(pairs: list[tuple[int, int]]) -> None:
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    four = [4] * len(pairs)
    low, high = statistics.interval(a, four)
    assert 0 <= low <= sum(a) / sum(four) <= high <= 1
    gap, (down, up) = statistics.difference((a, four), (b, four))
    assert -1 <= down <= gap <= up <= 1
    back, (back_down, back_up) = statistics.difference((b, four), (a, four))
    assert (back, back_down, back_up) == pytest.approx((-gap, -up, -down), abs=1e-9)


@pytest.mark.parametrize("flipped", [None, 0.02, 0.05, 0.2])
def test_a_pairs_difference_covers_the_truth(flipped: float | None) -> None:
    """Mild people; and people recognised always or never, a few of whom b alone misses."""
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(400):
        p = rng.beta(2, 1, 24)  # mean 2/3
        a, b, truth = rng.binomial(4, p), rng.binomial(4, p**2), 2 / 3 - 1 / 2
        if flipped is not None:
            a = 4 * (rng.random(24) < 0.7)
            b, truth = np.where(rng.random(24) < flipped, 0, a), 0.7 * flipped
        _, (low, high) = statistics.difference((a.tolist(), [4] * 24), (b.tolist(), [4] * 24))
        covered += low <= truth <= high
    assert covered / 400 >= 0.93


def test_two_that_agree_are_not_certain_to() -> None:
    same = ([4] * 12 + [0] * 12, [4] * 24)
    gap, (low, high) = statistics.difference(same, same)
    assert gap == 0
    assert low < -0.05 < 0.05 < high


@pytest.mark.parametrize(
    ("people", "probes", "correlation"), [(10, 3, 0.5), (20, 5, 0.3), (50, 5, 0.3), (50, 3, 0.1)]
)
@pytest.mark.parametrize("rate", [0.05, 0.5, 0.7, 0.98])
def test_a_rate_at_a_gates_limit_seldom_passes_it(
    people: int, probes: int, correlation: float, rate: float
) -> None:
    """At either end; `benchmarks.coverage` has the whole grid. 3.5% of 1,000 is within three
    standard errors of 2.5%."""
    rng, spread = np.random.default_rng(7), 1 / correlation - 1
    over = under = 0
    for _ in range(1000):
        hits = rng.binomial(probes, rng.beta(rate * spread, (1 - rate) * spread, people))
        low, high = statistics.bounds(hits.tolist(), [probes] * people)
        over, under = over + (low > rate), under + (high < rate)
    assert max(over, under) <= 35


def test_a_good_cloak_passes_where_an_interval_would_not_let_it() -> None:
    rng, passed = np.random.default_rng(8), {"bounds": 0, "interval": 0}
    for _ in range(2000):
        hits = rng.binomial(5, rng.beta(8.1, 0.9, 20)).tolist()
        for name in passed:
            passed[name] += getattr(statistics, name)(hits, [5] * 20)[0] >= 0.7
    assert passed["bounds"] >= 0.95 * 2000 > passed["interval"]


@pytest.mark.parametrize("people", [10, 24, 60])
@pytest.mark.parametrize("lost", [0.05, 0.2])
def test_a_release_that_is_worse_by_the_margin_seldom_passes(people: int, lost: float) -> None:
    """People who lose everything, the hardest to rule out: `difference` lets too many pass."""
    rng, wrong = np.random.default_rng(9), 0
    trials = [4] * people
    for _ in range(1000):
        after = np.where(rng.random(people) < lost, 0, 4).tolist()
        _, (low, _) = statistics.difference_bounds((after, trials), (trials, trials))
        wrong += low >= -lost
    assert wrong <= 35


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30))
def test_bounds_hold_what_they_bound_and_are_the_same_from_either_side(
    pairs: list[tuple[int, int]],
) -> None:
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    four = [4] * len(pairs)
    low, high = statistics.bounds(a, four)
    assert 0 <= low <= sum(a) / sum(four) <= high <= 1
    misses = statistics.bounds([4 - x for x in a], four)
    assert misses == pytest.approx((1 - high, 1 - low), abs=1e-9)
    gap, (down, up) = statistics.difference_bounds((a, four), (b, four))
    assert -1 <= down <= gap + 1e-9
    assert gap - 1e-9 <= up <= 1
    back, ends = statistics.difference_bounds((b, four), (a, four))
    assert (back, *ends) == pytest.approx((-gap, -up, -down), abs=1e-9)


@pytest.mark.parametrize(("people", "probes"), [(20, 4), (50, 4)])
def test_the_difference_that_is_stated_before_a_run_is_told_in_four_of_five(
    people: int, probes: int
) -> None:
    rng, gap = np.random.default_rng(10), statistics.detectable(people, probes)
    told = 0
    for _ in range(1000):
        chance = rng.beta(8.1, 0.9, people)
        a, b = rng.binomial(probes, chance), rng.binomial(probes, chance * (1 - gap / 0.9))
        trials = [probes] * people
        told += statistics.difference((a.tolist(), trials), (b.tolist(), trials))[1][0] > 0
    assert 0.75 <= told / 1000 <= 0.9


def test_what_an_audit_can_tell_of_two_cloaks_is_said_before_it() -> None:
    assert statistics.comparing(24, 4).endswith("is worse by 0.15, or more, than its baseline")
    assert statistics.comparing(1, 1).startswith(
        "two cloaks are told apart in 4 of 5 audits if one protects 0.90 and the other protects "
        "nobody, if at all"
    )
