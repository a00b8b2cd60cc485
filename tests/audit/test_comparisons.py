"""Two arms are compared on the same probes, person by person."""

from __future__ import annotations

import pytest

from audit import statistics
from audit.comparisons import comparisons
from audit.outcomes import Cell
from audit.records import Comparison, SplitRecord
from tests.audit.samples import ATTACK, NAMES, NOISE, PEOPLE, cell, rate, sample

NOBODY, EVERYBODY = (False,) * PEOPLE, (True,) * PEOPLE
OTHER = "lowkey:published"


def of(*cells: Cell, attacks: tuple[str, ...] = (ATTACK,)) -> list[Comparison]:
    return [*comparisons(attacks, "old", [SplitRecord(seed=0, people=NAMES, cells=cells)])]


def test_a_newer_recogniser_is_compared_with_the_first() -> None:
    (newer,) = (c for c in sample().comparisons if c.what == "recognisers")
    assert (newer.one.recogniser, newer.less.recogniser) == ("new", "old")
    assert (newer.one.attack, newer.one.adversary) == (newer.less.attack, newer.less.adversary)
    assert newer.difference == pytest.approx(-0.5)
    low, high = newer.interval
    assert low < -0.5 < high < 0
    assert (newer.people, newer.probes) == (PEOPLE, 4 * PEOPLE)


def test_a_difference_is_that_of_the_people_and_its_interval_is_paired() -> None:
    one, less = rate(0, 1, 2, 3, 4, 0, 0, 0, 0, 0), rate(4, 4, 4, 4, 4, 1, 1, 0, 0, 0)
    (found,) = of(cell(less), cell(one, recogniser="new"))
    gap, interval = statistics.difference(
        (one.complement.hits, one.trials), (less.complement.hits, less.trials)
    )
    assert (found.difference, found.interval) == (gap, interval)
    assert gap == pytest.approx((4 + 3 + 2 + 1 + 0 + 1 + 1) / 4 / PEOPLE)


def test_recognisers_are_compared_with_the_first_against_the_baseline_alone() -> None:
    names = ("old", "new", "newest")
    found = of(*(cell(recogniser=r, adversary=a) for r in names for a in ("oblivious", "mine")))
    pairs = [(c.one.recogniser, c.less.recogniser) for c in found if c.what == "recognisers"]
    assert pairs == [("new", "old"), ("newest", "old")]
    assert all(c.one.adversary == "oblivious" for c in found if c.what == "recognisers")


def test_adversaries_are_compared_with_the_baseline_that_has_the_same_recogniser() -> None:
    found = of(
        cell(recogniser="old"),
        cell(recogniser="new"),
        cell(adversary="mine", recogniser="new"),
        cell(adversary="yours", recogniser="elsewhere"),
    )
    (mine,) = (c for c in found if c.what == "adversaries")
    assert (mine.one.adversary, mine.less.adversary) == ("mine", "oblivious")
    assert mine.one.recogniser == mine.less.recogniser == "new"


def test_cloaks_are_compared_with_the_first_where_both_were_measured() -> None:
    found = of(
        cell(),
        cell(adversary="adaptive"),
        cell(attack=OTHER),
        cell(attack=OTHER, adversary="adaptive"),
        cell(attack=OTHER, recogniser="new"),
        attacks=(ATTACK, OTHER),
    )
    cloaks = [c for c in found if c.what == "cloaks"]
    assert [(c.one.attack, c.less.attack, c.one.adversary) for c in cloaks] == [
        (OTHER, ATTACK, "oblivious"),
        (OTHER, ATTACK, "adaptive"),
    ]


def test_noise_is_compared_with_nothing() -> None:
    assert not of(cell(attack=NOISE), cell(attack=NOISE, recogniser="new"))


@pytest.mark.parametrize(
    "elsewhere", [{"transform": "jpeg:75"}, {"scenario": "one"}, {"matcher": "linear"}]
)
def test_arms_share_transform_scenario_and_matcher(elsewhere: dict[str, str]) -> None:
    assert not of(cell(), cell(recogniser="new", **elsewhere))
    (found,) = of(cell(**elsewhere), cell(recogniser="new", **elsewhere))
    assert elsewhere.items() <= found.model_dump().items()


def test_who_is_detected_in_either_arm_is_left_out() -> None:
    """Detected is neither protected nor not: a gallery without them says nothing of their cloak."""
    half = (True,) * 4 + (False,) * 6
    last = (False,) * 9 + (True,)
    spotted = cell(rate(0, 0, 0, 0, 4, 4, 4, 4, 4, 4), adversary="mine", detected=half)
    (found,) = of(cell(0, detected=last), spotted)
    assert (found.people, found.probes) == (5, 20)
    assert found.difference == -1


def test_nobody_left_is_no_comparison() -> None:
    assert not of(cell(), cell(adversary="mine", detected=EVERYBODY))


def two(first: tuple[Cell, Cell], second: tuple[Cell, Cell]) -> Comparison:
    """Of two splits that have Jim alone in common."""
    others = (NAMES[-1], *(f"other {i}" for i in range(PEOPLE - 1)))
    (found,) = comparisons(
        [ATTACK],
        "old",
        [
            SplitRecord(seed=0, people=NAMES, cells=first),
            SplitRecord(seed=1, people=others, cells=second),
        ],
    )
    return found


def mine(hits: int, detected: tuple[bool, ...] = NOBODY) -> Cell:
    return cell(hits, adversary="mine", detected=detected)


def test_a_person_of_two_splits_is_paired_once_with_the_probes_of_both() -> None:
    found = two((cell(0), mine(4)), (cell(0), mine(0)))
    assert (found.people, found.probes) == (2 * PEOPLE - 1, 2 * 4 * PEOPLE)
    assert found.difference == pytest.approx(-(9 + 0.5) / 19)


def test_of_a_split_in_which_a_person_was_detected_neither_arm_counts() -> None:
    only_jim = (False,) * 9 + (True,)
    found = two((cell(0), mine(0, only_jim)), (cell(4), mine(4)))
    assert (found.people, found.probes) == (2 * PEOPLE - 1, 2 * 4 * PEOPLE - 4)
    assert found.difference == 0, "and so the same probes are in both"


def test_what_not_every_split_measured_is_not_compared() -> None:
    cells = [(cell(), mine(4)), (cell(),)]
    splits = [SplitRecord(seed=i, people=NAMES, cells=c) for i, c in enumerate(cells)]
    assert not comparisons([ATTACK], "old", splits)
