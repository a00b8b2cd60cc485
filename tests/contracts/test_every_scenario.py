"""Every scenario deals out who cloaks what, so that each person is scored once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from audit.scenarios import SCENARIOS, Scenario, Trial
from lowkey_core.errors import OptionError

NAMES = SCENARIOS.available()
OPTIONS = {"mixed": ("0", "0.3", "0.5", "1")}
"""Values for those that need one."""
SPECS = [
    f"{name}:{value}" if value else name for name in NAMES for value in OPTIONS.get(name, ("",))
]
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
        assert trial.probes in ("clean", "cloaked")
    assert torch.equal(identities, before)


@pytest.mark.parametrize("name", SPECS)
@everything
def test_dealing_again_is_dealing_the_same(name: str, identities: Tensor) -> None:
    once, again = (trials(name, identities) for _ in range(2))
    assert [t.scored for t in once] == [t.scored for t in again]
    assert all(torch.equal(a.cloaked, b.cloaked) for a, b in zip(once, again, strict=True))


@pytest.mark.parametrize("name", [n for n in SPECS if n != "mixed:0"])
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


@pytest.mark.parametrize("name", OPTIONS)
def test_what_it_needs_to_be_told_is_said_so(name: str) -> None:
    with pytest.raises(OptionError, match="was not told its 'share'"):
        SCENARIOS.load(name)
    with pytest.raises(OptionError, match=r"share of 'mixed:1\.5' is '1\.5'"):
        SCENARIOS.load("mixed:1.5")


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
    ],
)
def test_of_persons_5_2_and_9_these_pictures_are_cloaked(
    name: str, cloaked: list[list[int]]
) -> None:
    assert [t.cloaked.int().tolist() for t in trials(name, IDENTITIES)] == cloaked


def test_only_the_mutual_one_searches_for_cloaked_photos() -> None:
    searched = {name: {t.probes for t in trials(name, IDENTITIES)} for name in SPECS}
    assert searched.pop("mutual") == {"cloaked"}
    assert all(probes == {"clean"} for probes in searched.values())
