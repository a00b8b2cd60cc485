"""Thresholds hold the rate they are set for: on scores whose distribution is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch
from scipy.stats import norm
from torch import Generator, Tensor

from adversaries import System
from audit.measures import Searches
from audit.measures.open_set import OpenSet
from audit.measures.verification import Verification
from audit.outcomes import Outcome, Rate, found_at, verified_at
from audit.statistics import clopper_pearson
from audit.thresholds import at_share, needed, percent
from lowkey_core.errors import NotPossibleError
from lowkey_core.types import Candidates, Pictures
from tests.conftest import people

SHARES = (0.01, 0.001)
ENROLLED = people(20, 1)
GENUINE, IMPOSTOR = 3.0, 0.0
"""Means of scores; each is spread by 1."""


@dataclass
class Simulated:
    """A gallery whose scores are drawn: of impostors around IMPOSTOR, of genuine ones around
    GENUINE less what a cloak took off."""

    seed: int = 0
    cloak: float = 0.0
    every: float = 0.0
    """Added to every score: a cloaked gallery may be nearer to everybody."""
    asked: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = Generator().manual_seed(self.seed)

    def _drawn(self, who: Tensor, claimed: Tensor) -> Tensor:
        means = torch.where(who == claimed, GENUINE - self.cloak, IMPOSTOR)
        return means + self.every + torch.randn(len(who), generator=self.rng)

    def search(self, probes: Pictures, k: int, /) -> Candidates:
        """The best is whom the probe shows, if that is anybody enrolled."""
        known = torch.isin(probes.identities, ENROLLED.identities)
        best = torch.where(known, probes.identities, 0)
        return Candidates(self._drawn(probes.identities, best)[:, None], best[:, None])

    def likeness(self, probes: Pictures, claimed: Tensor, /) -> Tensor:
        self.asked.append(len(probes))
        return self._drawn(probes.identities, claimed)


def system(gallery: Simulated) -> System:
    return System(gallery, ENROLLED, torch.zeros(len(ENROLLED)).bool())


def pictures(count: int, first: int) -> Pictures:
    """So many pictures, of a person each, without pixels: nobody looks."""
    template = ENROLLED.items[0]

    @dataclass(frozen=True)
    class Shown:
        identity: int
        name: str = template.name
        digest: str = template.digest
        found: bool = True

    return Pictures(tuple(Shown(first + i) for i in range(count)))  # type: ignore[arg-type]


def searches(calibration: int, probes: int = 400) -> Searches:
    own = Pictures(pictures(20, 0).items * (probes // 20))
    changed = torch.ones(len(ENROLLED)).bool()
    strangers = pictures(calibration, 1000)
    who = tuple(range(20))
    return Searches(who, own, own, strangers, ENROLLED, changed, before=ENROLLED)


def arms(outcome: Outcome) -> tuple[Rate, Rate]:
    assert outcome.control is not None
    assert outcome.cloaked is not None
    return outcome.control, outcome.cloaked


@pytest.mark.parametrize("share", SHARES)
def test_the_rate_at_a_threshold_is_the_nominal_one_within_its_interval(share: float) -> None:
    """Of 200 calibrations on 20,000 scores, at least 95% but for chance have the true rate, known
    from the distribution, in the exact interval around what they let pass."""
    count, inside, true = 20_000, 0, []
    for seed in range(200):
        scores = torch.randn(count, generator=Generator().manual_seed(seed))
        threshold = at_share(scores, share, "searches")
        passed = int((scores >= threshold).sum())
        assert passed == share * count
        rate = float(norm.sf(float(threshold)))
        low, high = clopper_pearson(passed, count)
        assert low < share < high
        inside += low <= rate <= high
        true.append(rate)
    assert inside >= 182, "fewer come up once in 100 times at 95%"
    assert sum(true) / len(true) == pytest.approx(share, rel=0.08)


@pytest.mark.parametrize("share", SHARES)
def test_new_impostors_pass_an_open_sets_threshold_as_often_as_stated(share: float) -> None:
    """People nobody calibrated on, searched for as if they were probes of somebody enrolled."""
    gallery = Simulated(seed=3)
    threshold = at_share(gallery.search(pictures(50_000, 1000), 1).scores[:, 0], share, "searches")
    fresh = gallery.search(pictures(50_000, 100_000), 1).scores[:, 0]
    low, high = clopper_pearson(int((fresh >= threshold).sum()), len(fresh), confidence=0.999)
    assert low <= share <= high


@pytest.mark.parametrize("share", SHARES)
def test_an_open_set_finds_what_the_distribution_says(share: float) -> None:
    cloaked = Simulated(seed=2, cloak=2.0)
    counted = OpenSet(share)(system(Simulated(1)), system(cloaked), searches(20_000, 8_000))
    before, after = arms(counted[found_at(percent(share))])
    threshold = norm.isf(share)
    assert before.value == pytest.approx(norm.sf(threshold - GENUINE), abs=0.03)
    assert after.value == pytest.approx(norm.sf(threshold - GENUINE + 2), abs=0.03)


@pytest.mark.parametrize("share", SHARES)
def test_verification_accepts_what_the_distribution_says(share: float) -> None:
    """FMR from 20 claims of each of 1,000 pictures, FNMR from the scored people's own."""
    measure = Verification(share)
    gallery = Simulated(1)
    impostors = measure.impostors(system(gallery), pictures(1_000, 1000))
    assert len(impostors) == 20_000
    assert max(gallery.asked) <= 4096
    rate = float(norm.sf(float(at_share(impostors, share, "comparisons"))))
    low, high = clopper_pearson(share * 20_000, 20_000)
    assert low <= rate <= high
    counted = measure(system(Simulated(1)), system(Simulated(2, 2.0)), searches(1_000, 8_000))
    before, after = arms(counted[verified_at(percent(share))])
    threshold = norm.isf(share)
    assert before.value == pytest.approx(norm.sf(threshold - GENUINE), abs=0.04)
    assert after.value == pytest.approx(norm.sf(threshold - GENUINE + 2), abs=0.04)


@pytest.mark.parametrize("measure", [OpenSet(0.01), Verification(0.01)])
def test_each_arm_has_a_threshold_of_its_own(measure: OpenSet | Verification) -> None:
    """A gallery whose every score is higher recognises no more people."""
    counted = measure(system(Simulated(1)), system(Simulated(2, every=10.0)), searches(2_000))
    (outcome,) = counted.values()
    before, after = arms(outcome)
    assert before.value == pytest.approx(after.value, abs=0.1)
    assert before.value is not None
    assert before.value < 0.9


def test_equal_scores_pass_or_fail_together() -> None:
    scores = torch.tensor([0.5] * 30 + [0.1] * 170)
    assert float(at_share(scores, 0.1, "searches")) > 0.5, "30 of 200 would be more than 10%"
    assert 0.1 < float(at_share(scores, 0.15, "searches")) < 0.1001
    nothing = torch.full((200,), -torch.inf)
    assert float(at_share(nothing, 0.1, "searches")) > -torch.inf, "nothing found is no match"


@pytest.mark.parametrize(("share", "count"), [(0.01, 100), (0.001, 1000), (0.3, 4), (0.5, 2)])
def test_a_rate_needs_as_many_impostors_as_let_one_pass(share: float, count: int) -> None:
    assert needed(share) == count
    at_share(torch.arange(float(count)), share, "searches")
    for few in (0, count - 1):
        with pytest.raises(NotPossibleError, match=f"not possible with {few} searches.*{count}"):
            at_share(torch.arange(float(few)), share, "searches")


def test_more_claims_than_wanted_are_spread_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.measures.verification.PAIRS", 500)
    gallery = Simulated()
    found = Verification(0.5).impostors(system(gallery), pictures(100, 1000))
    assert len(found) == 500, "five of twenty people"
    assert len(Verification(0.01).impostors(system(gallery), pictures(100, 1000))) == 2000, "all"
