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
