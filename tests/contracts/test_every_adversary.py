"""Every adversary learns once, from what it is granted, and serves both arms with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Generator, Tensor, nn

from adversaries import ADVERSARIES, Adversary, AdversaryAbout, Prepared, ThreatModel
from adversaries.parts.detectors import lesson
from audit.plan import BASELINE
from lowkey_core.content import quantise
from lowkey_core.errors import NotPossibleError
from lowkey_core.faces.pictures import crops
from lowkey_core.matchers import MATCHERS
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Candidates, Gallery, Pictures, Recognition
from lowkey_core.weights import Card, unverified_card
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, people

TOO_LONG = ("adversarial-training:madry", "adversarial-training:trades")
"""Those that attack a network at every step of its training; `fgsm` shares all but the attack."""
NAMES = [
    pytest.param(name, marks=pytest.mark.slow) if name in TOO_LONG else name
    for name in ADVERSARIES.available()
]


class Stripes:
    """A tool whose work anyone can see: every other row darker."""

    def __init__(self) -> None:
        self.asked: list[Tensor] = []

    def __call__(self, pictures: Pictures, rng: Generator, /) -> Pictures:
        self.asked.append(pictures.identities)
        stripes = torch.ones(112, 1)
        stripes[::2] = 0.8
        made = quantise(pictures.faces() * stripes)
        return crops(made, pictures.identities, pictures.names)


def recognition() -> Embedding:
    return Embedding(TinyNetwork(5), MATCHERS.load("nn"), "nn", Work())


SMALL = {
    "adaptive:e2e": "rounds=2",
    "oblivious:e2e": "rounds=2",
    "adversarial-training:fgsm": "passes=3",
    "adversarial-training:madry": "passes=3:steps=1",
    "adversarial-training:trades": "passes=3:steps=1",
    "purification:learned": "channels=8",
}
"""Options that shorten what takes long: trainings on the gallery."""


@pytest.fixture(autouse=True)
def few_encodings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detectors learn from two encodings of every picture in place of ten."""
    monkeypatch.setattr(lesson, "VERSIONS", ("none", "jpeg:75"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Work:
    """Where finished trainings are kept, so that not every test waits for them."""
    return Work(Cache(tmp_path_factory.mktemp("kept")))


def threat(name: str, tool: Stripes | None = None, start: Recognition | None = None) -> ThreatModel:
    """Who looks for a minority among a person's pictures needs three of them."""
    drawn = people(12, 3 if name.startswith("detection") else 2, seed=9)
    background = crops(drawn.faces(), drawn.identities + 100, drawn.names)
    return ThreatModel(start or recognition(), background, tool or Stripes())


def adversary(name: str, work: Work | None = None) -> Adversary:
    small = f"{name}:{SMALL[name]}" if name in SMALL else name
    return ADVERSARIES.load(
        small, granted={"work": work or Work()}, defaults={"epochs": 1, "flagged": "keep"}
    )


def prepared(name: str, given: ThreatModel, work: Work | None = None) -> Prepared:
    try:
        return adversary(name, work).prepare(given, Generator().manual_seed(1))
    except NotPossibleError as error:
        if "models fetch" not in str(error):
            raise
        pytest.skip(str(error))


def refusal(name: str, given: ThreatModel) -> str:
    """Why it cannot take part; "" if it can."""
    try:
        prepared(name, given)
    except NotPossibleError as error:
        return str(error)
    return ""


def gallery(seed: int = 0) -> Pictures:
    return people(6, 3, seed)


@pytest.mark.parametrize("name", NAMES)
def test_says_which_question_it_answers(name: str) -> None:
    about = adversary(name).about
    assert isinstance(about, AdversaryAbout)
    assert about.question.endswith("?")
    assert bool(about.phrase) == (name != BASELINE), "only the baseline's need no explanation"


@pytest.mark.parametrize("name", NAMES)
def test_identifies_clean_probes_from_a_clean_gallery(name: str, kept: Work) -> None:
    pictures = gallery()
    enrolled = pictures.select([i for i in range(18) if i % 3])
    probes = pictures.select(range(0, 18, 3))
    system = prepared(name, threat(name), kept)(enrolled)
    ranks = system.gallery.search(probes, 5).ranks(probes.identities)
    assert (ranks == 1).float().mean() >= 5 / 6
    assert system.flagged.shape == (len(enrolled),)
    assert system.kept.names == enrolled.names, "told to keep what it flags"


@pytest.mark.parametrize("name", NAMES)
def test_learns_from_its_background_and_perhaps_from_what_it_scraped(name: str, kept: Work) -> None:
    """The tool is only ever run on background identities, and at enrolment on what was scraped by
    those who train on it; and not at all, if it says so."""
    tool, about, scraped = Stripes(), adversary(name).about, gallery().of([0, 1, 2])
    system = prepared(name, threat(name, tool), kept)
    asked = len(tool.asked)
    assert all((identities >= 100).all() for identities in tool.asked)
    assert bool(asked) == about.uses_tool
    system(scraped)
    later = tool.asked[asked:]
    assert not later or (about.uses_tool and about.trains_per_gallery)
    assert all(set(identities.tolist()) <= set(scraped.people) for identities in later)


@pytest.mark.parametrize("name", NAMES)
def test_two_preparations_are_one(name: str) -> None:
    one, two = (prepared(name, threat(name))(gallery().of([0, 1])) for _ in range(2))
    probes = gallery(4)
    first, second = (system.gallery.search(probes, 6) for system in (one, two))
    assert torch.equal(first.scores, second.scores)
    assert torch.equal(first.identities, second.identities)
    assert torch.equal(one.flagged, two.flagged)


@pytest.mark.parametrize("name", NAMES)
def test_leaves_the_recogniser_it_was_given_alone(name: str, kept: Work) -> None:
    start = recognition()
    assert isinstance(start.network, nn.Module)
    before = {k: v.clone() for k, v in start.network.state_dict().items()}
    prepared(name, threat(name, start=start), kept)(gallery().of([0, 1, 2]))
    assert all(torch.equal(v, before[k]) for k, v in start.network.state_dict().items())


@pytest.mark.parametrize("name", NAMES)
def test_says_how_many_cloaks_it_saw_if_it_learns(name: str, kept: Work) -> None:
    learned = prepared(name, threat(name), kept).learned
    assert learned.get("cloaked_seen") == (1.0 if adversary(name).about.uses_tool else None)


@pytest.mark.parametrize("name", NAMES)
def test_takes_on_a_service_or_says_that_it_cannot(name: str) -> None:
    """A service gives no embeddings: it is only asked to enrol and to search."""

    class Service:
        card: Card = unverified_card("service")
        matcher = "service"

        def enrol(self, pictures: Pictures, /) -> Gallery:
            return recognition().enrol(pictures)

    given = threat(name, start=Service())
    if reason := refusal(name, given):
        assert "service" in reason
        assert name != BASELINE
        return
    system = prepared(name, given)(gallery())
    assert isinstance(system.gallery.search(gallery(), 3), Candidates)


@pytest.mark.parametrize("name", NAMES)
def test_who_runs_the_tool_says_when_it_saw_no_cloak(name: str) -> None:
    """Clean pictures in place of cloaked ones: the caveat rests on this figure."""
    if not adversary(name).about.uses_tool:
        return
    given = replace(threat(name), tool=lambda pictures, rng: pictures)
    assert prepared(name, given).learned["cloaked_seen"] == 0.0
