"""Two systems that answer as one: worked out by hand on small tables of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor

from adversaries import ADVERSARIES, Adversary, AdversaryAbout, Prepared, System, ThreatModel
from adversaries.ensemble import Ensemble, genuine_scores
from adversaries.parts.enrolment import EnrolAll
from adversaries.parts.ensembles import BothFirst, NearFirst
from lowkey_core.content import quantise
from lowkey_core.errors import NotPossibleError, OptionError, UnknownNameError
from lowkey_core.faces.pictures import crops
from lowkey_core.matchers import MATCHERS
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Candidates, Pictures, Recognition
from lowkey_core.work.cache import Cache
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, people

NONE = -torch.inf


@dataclass(frozen=True)
class Table:
    """A gallery of people 10, 20, 30 whose scores are written down, a row for each probe."""

    scores: Sequence[Sequence[float]]
    known: Sequence[int] = (10, 20, 30)

    def search(self, probes: Pictures, k: int, /) -> Candidates:
        scores, order = torch.tensor(self.scores).sort(dim=1, descending=True, stable=True)
        known = torch.tensor(self.known)[order].masked_fill(scores == NONE, -1)
        return Candidates(scores[:, :k], known[:, :k])

    def likeness(self, probes: Pictures, claimed: Tensor, /) -> Tensor:
        columns = [self.known.index(int(who)) for who in claimed]
        return torch.tensor([row[c] for row, c in zip(self.scores, columns, strict=True)])


PROBES = people(5, 1)
ACCURATE = Table(
    [
        [0.9, 0.2, 0.1],  # both name 10
        [0.4, 0.3, 0.1],  # the robust one names 30 instead
        [0.3, 0.5, 0.4],  # the robust one names 30, whom the accurate one has second
        [NONE, NONE, NONE],  # a probe in which only the robust one finds anybody
        [0.2, 0.1, 0.3],  # the robust one knows nobody
    ]
)
ROBUST = Table(
    [
        [0.8, 0.1, 0.7],
        [0.1, 0.2, 0.7],
        [0.1, 0.2, 0.3],
        [0.6, 0.5, NONE],
        [NONE, NONE, NONE],
    ]
)


def rounded(scores: Tensor) -> list[list[float]]:
    return [[round(value, 4) for value in row] for row in scores.tolist()]


def test_top2_names_the_accurate_ones_first_then_the_robust_ones_then_the_others() -> None:
    found = BothFirst(ACCURATE, ROBUST).search(PROBES, 3)
    assert found.identities.tolist() == [
        [10, 20, 30],
        [10, 30, 20],
        [20, 30, 10],
        [10, -1, -1],
        [30, 10, 20],
    ]
    assert rounded(found.scores) == [
        [0.9, 0.2, 0.1],
        [0.7, 0.7, 0.3],  # the first is raised to the second's score: scores fall
        [0.5, 0.3, 0.3],  # 10 is no more alike than 30, which stands before it
        [0.6, NONE, NONE],
        [0.3, 0.2, 0.1],
    ]


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top2_gives_as_many_as_are_asked_for(k: int) -> None:
    found, every = (BothFirst(ACCURATE, ROBUST).search(PROBES, n) for n in (k, 5))
    assert torch.equal(found.identities, every.identities[:, :k])
    assert [ranks(n) for n in (1, 2)] == [[1, 2, 1, 1, 1], [1, 2, 1, 1, 1]]


def ranks(k: int) -> list[int]:
    """Of persons 10, 30, 20, 10, 30 within the first k, or 9 if they are behind."""
    who = torch.tensor([10, 30, 20, 10, 30])
    found = BothFirst(ACCURATE, ROBUST).search(PROBES, max(k, 2)).ranks(who)
    return found.clamp(max=9).tolist()


def test_the_claim_that_either_of_two_accepts_is_accepted() -> None:
    claimed = torch.tensor([10, 30, 20, 20, 10])
    found = BothFirst(ACCURATE, ROBUST).likeness(PROBES, claimed)
    assert rounded(found[None]) == [[0.9, 0.7, 0.5, 0.5, 0.2]]


def test_threshold_asks_the_robust_one_where_nothing_is_near() -> None:
    """Nearest: 0.9, 0.4, 0.5, nobody, 0.3; from 0.4 on the accurate one answers."""
    gallery = NearFirst(ACCURATE, ROBUST, ACCURATE, torch.tensor(0.4).item())
    found = gallery.search(PROBES, 2)
    assert found.identities.tolist() == [[10, 20], [10, 20], [20, 30], [10, 20], [-1, -1]]
    assert rounded(found.scores) == [[0.9, 0.2], [0.4, 0.3], [0.5, 0.4], [0.6, 0.5], [NONE, NONE]]


def test_threshold_verifies_by_how_near_the_claimed_person_is() -> None:
    gallery = NearFirst(ACCURATE, ROBUST, ACCURATE, torch.tensor(0.4).item())
    claimed = torch.tensor([10, 30, 20, 20, 30])
    found = gallery.likeness(PROBES, claimed)
    assert rounded(found[None]) == [[0.9, 0.7, 0.5, 0.5, NONE]]


def recognition(seed: int = 5, matcher: str = "nn", work: Work | None = None) -> Embedding:
    return Embedding(TinyNetwork(seed), MATCHERS.load(matcher), matcher, work or Work())


@pytest.mark.parametrize("counts", [(3, 3, 3, 3), (4, 1, 2, 3)])
def test_genuine_scores_leave_each_picture_out_once(counts: tuple[int, ...]) -> None:
    """Against each picture's most alike other one, written out in full."""
    drawn, start = people(4, 4, seed=3), recognition()
    rows = [4 * who + i for who, count in enumerate(counts) for i in range(count)]
    pictures = drawn.select(rows)
    vectors = start.embed(pictures)
    expected = [
        max(float(vectors[i] @ vectors[j]) for j in others)
        for i, who in enumerate(pictures.identities)
        if (others := [j for j, w in enumerate(pictures.identities) if w == who and i != j])
    ]
    found = genuine_scores(start, pictures)
    assert sorted(found.tolist()) == pytest.approx(sorted(expected), abs=1e-6)


@dataclass(frozen=True)
class Swaps:
    """Enrols everybody with another network. It never calls the tool."""

    seed: int = 6
    about = AdversaryAbout("Does it survive another network?", tries="all", uses_tool=False)

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Prepared:
        start = threat.recognition
        if self.seed == 5:
            return EnrolAll(start)
        return EnrolAll(recognition(self.seed))


def forbidden(pictures: Pictures, rng: Generator) -> Pictures:
    raise AssertionError("nobody here knows of a cloak")


def threat(
    tool: object = forbidden, start: Recognition | None = None, background: Pictures | None = None
) -> ThreatModel:
    own = background or people(12, 2, seed=9)
    return ThreatModel(start or recognition(), own, tool)  # type: ignore[arg-type]


SHARES = (None, 0.05)
"""top2, and threshold."""


@pytest.mark.parametrize("share", SHARES)
def test_an_ensemble_of_those_that_know_of_no_cloak_never_calls_the_tool(
    share: float | None,
) -> None:
    ensemble = Ensemble(Swaps(), share)
    assert not ensemble.about.uses_tool
    assert ensemble.about.tries == "all"
    system = ensemble.prepare(threat(), Generator())(people(6, 3))
    assert len(system.gallery.search(people(6, 1, seed=4), 3).scores) == 6


@pytest.mark.parametrize("share", SHARES)
def test_an_ensemble_with_one_member_is_not_possible(share: float | None) -> None:
    with pytest.raises(NotPossibleError, match="has one member: its robust system is tiny5 as it"):
        Ensemble(Swaps(seed=5), share).prepare(threat(), Generator())


@pytest.mark.parametrize("nested", ["oblivious", "adaptive:epochs=0"])
def test_so_is_one_whose_second_member_has_not_learned(nested: str) -> None:
    ensemble = loaded(f"ensemble:top2@{nested}")
    with pytest.raises(NotPossibleError, match="has one member"):
        ensemble.prepare(threat(inverted), Generator().manual_seed(1))


def loaded(name: str, work: Work | None = None) -> Adversary:
    defaults = {"epochs": 1, "flagged": "drop"}
    return ADVERSARIES.load(name, granted={"work": work or Work()}, defaults=defaults)


def inverted(pictures: Pictures, rng: Generator) -> Pictures:
    return crops(quantise(1 - pictures.faces()), pictures.identities, pictures.names)


def test_what_is_behind_the_at_makes_the_robust_system(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from tests.adversaries.test_ensemble import Swaps\ndef build(): return Swaps()\n"
    )
    assert not loaded(f"ensemble:threshold@{tmp_path}/mine.py").about.uses_tool
    for name in ("ensemble:top2", "ensemble:top2@adaptive"):
        assert "retrained on cloaked pictures" in loaded(name).about.phrase
    with pytest.raises(UnknownNameError, match="no adversary is called 'adaptif'"):
        loaded("ensemble:top2@adaptif")
    with pytest.raises(OptionError, match=r"is built from .adaptive."):
        loaded("purification:jpeg@adaptive")


def test_only_a_threshold_has_a_share() -> None:
    assert loaded("ensemble:threshold:share=0.2").about.scored_at == 1
    assert loaded("ensemble:top2").about.scored_at == 2
    with pytest.raises(OptionError, match=r"share is 0\.2 for ensemble:top2"):
        loaded("ensemble:top2:share=0.2")
    for share in ("0", "1"):
        with pytest.raises(OptionError, match="share"):
            loaded(f"ensemble:threshold:share={share}")


@pytest.mark.parametrize("share", [0.05, 0.5])
@pytest.mark.parametrize("matcher", ["nn", "linear"])
def test_the_threshold_is_a_quantile_of_the_backgrounds_genuine_scores(
    share: float, matcher: str
) -> None:
    given = threat(start=recognition(matcher=matcher))
    learned = Ensemble(Swaps(), share).prepare(given, Generator()).learned
    scores = genuine_scores(recognition(), given.background)
    assert learned["threshold"] == pytest.approx(float(scores.quantile(share)))
    assert learned["pictures"] == len(scores) == 24


def test_a_background_too_small_for_the_share_says_how_many_pictures_it_needs() -> None:
    few = threat(background=people(12, 1))
    said = r"0 pictures of people who have another there.*20 to find a score.*raise background"
    with pytest.raises(NotPossibleError, match=said):
        Ensemble(Swaps(), 0.05).prepare(few, Generator())
    Ensemble(Swaps(), None).prepare(few, Generator())


@dataclass(frozen=True)
class Suspects:
    """Drops what it finds bright."""

    recognition: Recognition
    learned: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, scraped: Pictures, /) -> System:
        suspicion = scraped.faces().mean((1, 2, 3)) - 0.5
        kept = scraped.select(suspicion <= 0)
        return System(self.recognition.enrol(kept), kept, suspicion > 0, suspicion)


class Suspecting(Swaps):
    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Prepared:
        return Suspects(threat.recognition)


@pytest.mark.parametrize("share", SHARES)
def test_what_one_flags_the_other_still_enrols(share: float | None) -> None:
    scraped = people(6, 3)
    prepared = Ensemble(Suspecting(), share).prepare(threat(), Generator())
    alone, system = Suspects(recognition())(scraped), prepared(scraped)
    assert 0 < alone.flagged.sum() < len(scraped)
    assert torch.equal(system.flagged, alone.flagged)
    assert system.suspicion is not None
    assert system.kept is scraped


class Counting(Cache):
    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.made = 0

    def put(self, key: str, record: Record) -> None:
        super().put(key, record)
        self.made += 1


@pytest.mark.parametrize("member", ["top2", "threshold"])
def test_the_robust_system_is_the_one_that_adaptive_trained(member: str, tmp_path: Path) -> None:
    """Nothing is computed that a plain `adaptive` has not computed."""
    gallery, probes, cache = people(6, 3), people(6, 1, seed=4), Counting(tmp_path)
    given = threat(inverted, recognition(work=Work(cache)))
    for name in ("oblivious", "adaptive"):
        alone = loaded(name, Work(cache)).prepare(given, seeded())
        alone(gallery).gallery.search(probes, 3)
    trained = cache.made
    together = loaded(f"ensemble:{member}", Work(cache)).prepare(given, seeded())
    together(gallery).gallery.search(probes, 3)
    assert cache.made == trained > 0


def seeded() -> Generator:
    return Generator().manual_seed(1)


@pytest.mark.parametrize("of", ["adaptive", "adaptive:e2e", "oblivious:e2e"])
def test_it_trains_on_every_gallery_if_its_robust_system_does(of: str) -> None:
    granted = {"work": Work(), "device": torch.device("cpu")}
    both = [ADVERSARIES.load(name, granted=granted) for name in (f"ensemble:top2@{of}", of)]
    assert len({each.about.trains_per_gallery for each in both}) == 1
