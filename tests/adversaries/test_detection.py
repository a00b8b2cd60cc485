"""What each detector of cloaks looks at, what it may learn from, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Generator, Tensor

from adversaries import ADVERSARIES, Prepared, ThreatModel
from adversaries.detection import MEMBERS
from adversaries.parts.detectors.activation import Clusters
from adversaries.parts.detectors.people import Defence, Labels, PerPerson, Scores, Vectors
from adversaries.parts.detectors.spectral import Signatures
from lowkey_core.content import quantise
from lowkey_core.errors import NotPossibleError, OptionError
from lowkey_core.faces.pictures import crops
from lowkey_core.matchers import MATCHERS
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Pictures
from lowkey_core.weights import ASSETS_VARIABLE
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, people

IGNORANT = ("autoencoder", "spectral", "activation")
"""Members that never run the tool."""


def striped(pictures: Pictures, rng: Generator) -> Pictures:
    """Every other row a little darker."""
    stripes = torch.ones(112, 1)
    stripes[::2] = 0.9
    return crops(quantise(pictures.faces() * stripes), pictures.identities, pictures.names)


def forbidden(pictures: Pictures, rng: Generator) -> Pictures:
    raise AssertionError("this detector knows of no cloak")


def embedding() -> Embedding:
    return Embedding(TinyNetwork(1), MATCHERS.load("nn"), "nn", Work())


def learned(member: str, tool: object = striped, *, epochs: int = 3) -> Prepared:
    adversary = ADVERSARIES.load(
        f"detection:{member}:flagged=keep" + (":batch=4" if member == "reverse" else ""),
        granted={"work": Work(), "device": None},
        defaults={"epochs": epochs},
    )
    threat = ThreatModel(embedding(), people(8, 3, seed=9), tool)  # type: ignore[arg-type]
    return adversary.prepare(threat, Generator().manual_seed(1))


@pytest.mark.parametrize("member", IGNORANT)
def test_these_never_run_the_tool_and_face_noise_as_well(member: str) -> None:
    adversary = ADVERSARIES.load(f"detection:{member}", granted={"work": Work()})
    assert not adversary.about.uses_tool
    prepared = learned(member, forbidden, epochs=1)
    prepared(people(4, 4))
    assert "cloaked_seen" not in prepared.learned
    assert prepared.learned["identities"] == (6 if member == "autoencoder" else 8)


@pytest.mark.parametrize("member", ["classifier", "autoencoder", "reverse"])
def test_cloaks_of_people_never_seen_look_more_cloaked(member: str) -> None:
    clean = people(6, 3)
    cloaked = striped(clean, Generator())
    epochs = 6 if member == "reverse" else 3  # of which it makes a third
    prepared = learned(member, forbidden if member in IGNORANT else striped, epochs=epochs)
    suspicions = [prepared(p).suspicion for p in (clean, cloaked)]
    assert all(s is not None for s in suspicions)
    scores = torch.cat([s for s in suspicions if s is not None])
    assert roc_auc_score([0] * len(clean) + [1] * len(clean), scores.numpy()) > 0.95


def strangers(pictures: Pictures, who: int, rows: list[int]) -> Pictures:
    """Some pictures of one person show another's face."""
    images = pictures.faces()
    own = (pictures.identities == who).nonzero().flatten()
    images[own[rows]] = people(1, len(rows), seed=77).faces()
    return crops(images, pictures.identities, pictures.names)


DEFENCES: list[Defence] = [Signatures(), Clusters()]


@pytest.mark.parametrize("defence", DEFENCES, ids=lambda d: type(d).__name__)
def test_a_minority_among_a_persons_pictures_is_suspected_and_nobody_elses(
    defence: Defence,
) -> None:
    mixed = strangers(people(4, 8), 2, [1, 6])
    own = PerPerson(embedding(), defence, Work())(mixed)[mixed.identities == 2]
    assert set(own.topk(2).indices.tolist()) == {1, 6}
    clean = PerPerson(embedding(), defence, Work())(people(4, 8))
    others = mixed.identities != 2
    assert torch.equal(PerPerson(embedding(), defence, Work())(mixed)[others], clean[others])


def test_people_who_were_compared_are_not_compared_again(tmp_path: Path) -> None:
    """Unless their pictures are dealt out otherwise."""
    asked: list[int] = []

    class Counting(Clusters):
        def __call__(self, classifier: object, x: Vectors, y: Labels, /) -> Scores:
            asked.append(len(x))
            return super().__call__(classifier, x, y)

    def scores(pictures: Pictures) -> Tensor:
        return PerPerson(embedding(), Counting(), Work(Cache(tmp_path)))(pictures)

    pictures = people(3, 6)
    first = scores(pictures)
    assert torch.equal(scores(pictures), first)
    assert len(asked) == 3
    scores(crops(pictures.faces(), pictures.identities.flip(0) // 2, pictures.names))
    assert len(asked) == 5


@pytest.mark.parametrize("defence", DEFENCES, ids=lambda d: type(d).__name__)
def test_too_few_pictures_or_equal_ones_are_not_suspected(defence: Defence) -> None:
    def scores(pictures: Pictures) -> Tensor:
        return PerPerson(embedding(), defence, Work())(pictures)

    few = people(5, 2)
    one = people(1, 1)
    same = Pictures(one.items * 6)
    for pictures in (few, one, same):
        assert (scores(pictures) == defence.least).all()
    drawn = people(5, 4)
    others = crops(drawn.faces(), drawn.identities + 5, drawn.names)
    together = scores(few.join(others))
    assert (together[: len(few)] == defence.least).all()
    assert (together[len(few) :] != defence.least).all()


def test_arts_defences_need_a_background_of_several_pictures_a_person() -> None:
    adversary = ADVERSARIES.load("detection:spectral", granted={"work": Work()})
    threat = ThreatModel(embedding(), people(8, 2), forbidden)
    with pytest.raises(NotPossibleError, match=r"at most 2.*at least 3.*background_pictures"):
        adversary.prepare(threat, Generator())


def test_without_its_weights_the_network_of_imagenet_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ASSETS_VARIABLE, str(tmp_path))
    with pytest.raises(NotPossibleError, match="models fetch efficientnet:lite0"):
        learned("imagenet", epochs=1)


def test_only_what_is_flagged_is_purified_and_nothing_is_dropped() -> None:
    adversary = ADVERSARIES.load(
        "detection:flagged=purify:purifier=jpeg",
        granted={"work": Work(), "device": None},
        defaults={"epochs": 3},
    )
    threat = ThreatModel(embedding(), people(8, 2, seed=9), striped)
    prepared = adversary.prepare(threat, Generator().manual_seed(1))
    assert prepared.learned["pictures"] == 12, "of the people that the detector learned from"
    clean = people(6, 3)
    half = torch.arange(len(clean)) < 9
    scraped = clean.replaced(half, striped(clean, Generator()))
    system = prepared(scraped)
    assert system.flagged.any()
    assert not system.flagged.all()
    assert system.kept.names == scraped.names
    pairs = zip(system.kept.digests, scraped.digests, system.flagged.tolist(), strict=True)
    assert all((now != then) == flag for now, then, flag in pairs)


@pytest.mark.parametrize(
    ("member", "by", "runs"),
    [("classifier", "a learned network", True), ("autoencoder", "JPEG 50", False)],
)
def test_what_purifies_runs_the_tool_only_where_the_detector_does(
    member: str, by: str, runs: bool
) -> None:
    spec = f"detection:{member}:flagged=purify"
    about = ADVERSARIES.load(spec, granted={"work": Work()}).about
    assert about.phrase == f"after flagged pictures were purified by {by}"
    assert about.uses_tool == runs


@pytest.mark.parametrize(
    "spec",
    [
        *("classifier:purifier=jpeg", "classifier:flagged=keep:purifier=jpeg"),
        *("spectral:batch=4", "activation:batch=4", "spectral:epochs=4"),
        "activation:epochs=4:flagged=purify:purifier=jpeg",
        *(f"{member}:unseen=true" for member in IGNORANT),
    ],
)
def test_an_option_that_would_mean_nothing_is_refused(spec: str) -> None:
    with pytest.raises(OptionError, match="leave out"):
        ADVERSARIES.load(f"detection:{spec}", granted={"work": Work()})


def test_epochs_of_what_learns_to_purify_are_no_idle_option() -> None:
    spec = "detection:spectral:epochs=4:flagged=purify:purifier=learned"
    assert ADVERSARIES.load(spec, granted={"work": Work()})


def test_each_member_answers_a_question_of_its_own() -> None:
    loaded = [ADVERSARIES.load(f"detection:{m}", granted={"work": Work()}) for m in MEMBERS]
    assert len({adversary.about.question for adversary in loaded}) == len(MEMBERS)
