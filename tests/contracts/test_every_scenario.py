"""Every scenario deals out who cloaks what, so that each person is scored once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from audit.scenarios import SCENARIOS, Scenario, Trial, older
from lowkey_core.errors import OptionError, UnknownNameError
from lowkey_core.spec import canonical

NAMES = SCENARIOS.available()
OPTIONS = {"mixed": (":0", ":0.3", ":0.5", ":1"), "late": ("@noise", ":0.3@fawkes:v1.0:mode=low")}
"""What those need to be told that cannot do without."""
SPECS = [f"{name}{told}" for name in NAMES for told in OPTIONS.get(name, ("",))]
GALLERIES = [
    torch.tensor([5, 2, 5, 9, 2, 5, 5]),
    torch.arange(12).repeat_interleave(8),
    torch.tensor([7]),
    torch.tensor([3, 3, 3]),
]
"""Identities of the protected people's pictures, in the order published."""
everything = pytest.mark.parametrize("identities", GALLERIES, ids=lambda g: f"{len(g)} pictures")


def trials(name: str, identities: Tensor) -> list[Trial]:
    scenario: Scenario = SCENARIOS.load(name)
    return list(scenario.trials(identities))


@pytest.mark.parametrize("name", SPECS)
@everything
def test_each_person_is_scored_in_exactly_one_trial(name: str, identities: Tensor) -> None:
    scored = [who for trial in trials(name, identities) for who in trial.scored]
    assert sorted(scored) == identities.unique().tolist()


@pytest.mark.parametrize("name", SPECS)
@everything
def test_a_trial_says_of_each_picture_whether_it_is_cloaked(name: str, identities: Tensor) -> None:
    before = identities.clone()
    for trial in trials(name, identities):
        assert trial.cloaked.dtype == torch.bool
        assert trial.cloaked.shape == identities.shape
        assert trial.changed.shape == identities.shape
        assert torch.equal(trial.changed & ~trial.cloaked, earlier(trial)), "one cloak each"
        assert not trial.empty or not trial.changed.any()
        assert trial.probes in ("clean", "cloaked")
    assert torch.equal(identities, before)


@pytest.mark.parametrize("name", SPECS)
@everything
def test_dealing_again_is_dealing_the_same(name: str, identities: Tensor) -> None:
    once, again = (trials(name, identities) for _ in range(2))
    assert [t.scored for t in once] == [t.scored for t in again]
    for one, other in zip(once, again, strict=True):
        assert torch.equal(one.cloaked, other.cloaked)
        assert torch.equal(earlier(one), earlier(other))


def earlier(trial: Trial) -> Tensor:
    return torch.zeros_like(trial.cloaked) if trial.earlier is None else trial.earlier


@pytest.mark.parametrize("name", [n for n in SPECS if n not in ("mixed:0", "before")])
@pytest.mark.parametrize("identities", [g for g in GALLERIES if g.bincount().max() > 3])
def test_who_is_scored_has_cloaked(name: str, identities: Tensor) -> None:
    """Enough pictures of somebody are there for any share of them to be one or more."""
    many = [int(who) for who in identities.unique() if (identities == who).sum() > 3]
    for trial in trials(name, identities):
        for who in set(trial.scored) & set(many):
            assert trial.cloaked[identities == who].any()


@pytest.mark.parametrize("name", SPECS)
def test_says_in_words_what_it_is(name: str) -> None:
    phrase = SCENARIOS.load(name).phrase
    assert phrase == phrase.strip() != ""
    assert not phrase.endswith("."), "it stands in a sentence"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mixed:1.5", r"share of 'mixed:1\.5' is '1\.5'"),
        ("late:1@noise", r"share of 'late:1@noise' is '1'"),
        ("late:0@noise", r"share of 'late:0@noise' is '0'"),
        ("late@fawks", "no cloak is called 'fawks'.*did you mean 'fawkes"),
        ("all@noise", "all@noise is built from 'noise'; expected all alone"),
    ],
)
def test_what_it_needs_to_be_told_is_said_so(name: str, said: str) -> None:
    with pytest.raises((OptionError, UnknownNameError), match=said):
        SCENARIOS.load(name)


@pytest.mark.parametrize("name", SPECS)
def test_an_older_cloak_is_named_in_canonical_form(name: str) -> None:
    scenario: Scenario = SCENARIOS.load(name)
    named = older(scenario)
    assert bool(named) == any(t.earlier is not None for t in scenario.trials(IDENTITIES))
    assert not named or named == canonical(named) == name.partition("@")[2]
    assert canonical(name) == name


IDENTITIES = GALLERIES[0]


@pytest.mark.parametrize(
    ("name", "cloaked"),
    [
        ("all", [[1, 1, 1, 1, 1, 1, 1]]),
        ("mutual", [[1, 1, 1, 1, 1, 1, 1]]),
        ("one", [[0, 1, 0, 0, 1, 0, 0], [1, 0, 1, 0, 0, 1, 1], [0, 0, 0, 1, 0, 0, 0]]),
        ("mixed:0.5", [[1, 1, 1, 0, 0, 0, 0]]),  # of one picture, round(0.5) = 0
        ("mixed:0.75", [[1, 1, 1, 1, 1, 1, 0]]),
        ("mixed:0", [[0] * 7]),
        ("mixed:1", [[1] * 7]),
        ("before", [[0] * 7]),
        ("late@noise", [[0, 0, 0, 1, 1, 1, 1]]),
        ("late:0.25@noise", [[0, 1, 1, 1, 1, 1, 1]]),
    ],
)
def test_of_persons_5_2_and_9_these_pictures_are_cloaked(
    name: str, cloaked: list[list[int]]
) -> None:
    assert [t.cloaked.int().tolist() for t in trials(name, IDENTITIES)] == cloaked


@pytest.mark.parametrize(
    ("name", "cloaked"),
    [
        ("late@noise", [1, 1, 1, 0, 0, 0, 0]),
        ("late:0.25@noise", [1, 0, 0, 0, 0, 0, 0]),
        ("late:0.75@noise", [1, 1, 1, 1, 1, 1, 0]),
    ],
)
def test_of_persons_5_2_and_9_these_pictures_have_the_older_cloak(
    name: str, cloaked: list[int]
) -> None:
    (trial,) = trials(name, IDENTITIES)
    assert earlier(trial).int().tolist() == cloaked
    assert trial.changed.all()


def test_only_a_share_of_nothing_is_meant_to_cloak_nothing() -> None:
    assert {n for n in SPECS if any(t.empty for t in trials(n, IDENTITIES))} == {"mixed:0"}


def test_two_search_for_cloaked_photos() -> None:
    searched = {name: {t.probes for t in trials(name, IDENTITIES)} for name in SPECS}
    assert searched.pop("mutual") == searched.pop("before") == {"cloaked"}
    assert all(probes == {"clean"} for probes in searched.values())
