"""Adversaries that train on the gallery: from one start in both arms, on what was published."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from adversaries import ADVERSARIES, Adversary, System, ThreatModel
from adversaries.parts import robust, training
from adversaries.parts.classifier import ClassGallery, Classifier, OnGallery
from adversaries.parts.end_to_end import Copies, chosen
from adversaries.parts.robust import Attack, Robust, Student
from lowkey_core.content import quantise
from lowkey_core.errors import NotPossibleError, OptionError
from lowkey_core.faces.pictures import crops
from lowkey_core.matchers import MATCHERS
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Pictures
from lowkey_core.work.cache import Cache
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, people

MEMBERS = (
    "adaptive:e2e:rounds=1",
    "oblivious:e2e:rounds=1",
    "adversarial-training:fgsm:passes=1",
)


def darker(pictures: Pictures, _rng: Generator) -> Pictures:
    """A tool: every other row is darker."""
    stripes = torch.ones(112, 1)
    stripes[::2] = 0.8
    return crops(quantise(pictures.faces() * stripes), pictures.identities, pictures.names)


def threat(tool: Callable[[Pictures, Generator], Pictures] = darker) -> ThreatModel:
    drawn = people(5, 2, seed=9)
    background = crops(drawn.faces(), drawn.identities + 100, drawn.names)
    return ThreatModel(
        Embedding(TinyNetwork(5), MATCHERS.load("nn"), "nn", Work()), background, tool
    )


def adversary(name: str, work: Work | None = None) -> Adversary:
    return ADVERSARIES.load(name, granted={"work": work or Work()}, defaults={"epochs": 1})


def prepared(name: str, work: Work | None = None, given: ThreatModel | None = None) -> OnGallery:
    made = adversary(name, work).prepare(given or threat(), Generator().manual_seed(1))
    assert isinstance(made, OnGallery)
    return made


def weights(system: System) -> dict[str, Tensor]:
    assert isinstance(system.gallery, ClassGallery)
    return system.gallery.scores.classifier.state_dict()


CLEAN = people(4, 3)
CLOAKED = darker(CLEAN, Generator())
MADRY = "adversarial-training:madry:passes=1"


@pytest.mark.parametrize("name", MEMBERS)
def test_both_arms_start_from_one_digest_with_one_seed_and_recipe(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And end apart, as they learned from different pictures."""
    ready = prepared(name)
    started: list[tuple[str, Any]] = []

    def noted(fit: Any) -> Callable[..., None]:
        def begin(classifier: Any, pictures: Pictures, classes: Tensor) -> None:
            started.append((fingerprint(classifier.network), fit.digest))
            fit(classifier, pictures, classes)

        return begin

    object.__setattr__(ready, "fit", noted(fit := ready.fit))
    before = fingerprint(ready.start.network)
    ends = [weights(ready(gallery)) for gallery in (CLEAN, CLOAKED)]
    assert started[0] == started[1]
    assert started[0][1] == fit.digest
    assert fingerprint(ready.start.network) == before
    assert any(not torch.equal(ends[0][k], ends[1][k]) for k in ends[0])


@pytest.mark.parametrize("name", MEMBERS)
def test_one_gallery_is_always_trained_alike(name: str) -> None:
    one, two = (weights(prepared(name)(CLEAN)) for _ in range(2))
    assert all(torch.equal(one[k], two[k]) for k in one)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_finished_training_is_found_again(name: str, tmp_path: Path) -> None:
    first = weights(prepared(name, Work(Cache(tmp_path)))(CLEAN))
    work = Work(Cache(tmp_path))
    again = weights(prepared(name, work)(CLEAN))
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert not sum(
        n
        for (label, what), n in work.tally.items()
        if "gallery" in label and what == "made" and "asking" not in label
    )


@pytest.mark.parametrize("name", MEMBERS)
def test_who_is_not_in_the_gallery_is_not_found(name: str) -> None:
    system = prepared(name)(CLEAN.of([0, 2]))
    probes = CLEAN.select([0, 3, 6])
    found = system.gallery.search(probes, 3)
    assert found.identities[:, 2].tolist() == [-1, -1, -1]
    assert set(found.identities[:, :2].flatten().tolist()) == {0, 2}
    likeness = system.gallery.likeness(probes, probes.identities)
    assert likeness.isfinite().tolist() == [True, False, True]
    own = found.identities == probes.identities.unsqueeze(1)
    assert torch.equal(likeness[[0, 2]], found.scores[own])


@pytest.mark.parametrize("name", MEMBERS)
def test_lost_faces_are_neither_learned_from_nor_found(name: str) -> None:
    ready = prepared(name)
    nobody = ready(Pictures(tuple(lost(p) for p in CLEAN.items)))
    assert (nobody.gallery.search(CLEAN, 2).identities == -1).all()
    some = ready(Pictures((lost(CLEAN.items[0]), *CLEAN.items[1:])))
    assert some.flagged.shape == (12,)
    found = some.gallery.search(Pictures((lost(CLEAN.items[0]), CLEAN.items[1])), 2)
    assert (found.identities[0] == -1).all()
    assert found.scores[1].isfinite().all()


def lost(picture: Any) -> Any:
    from dataclasses import replace

    return replace(picture, found=False)


@pytest.mark.parametrize("name", ["oblivious:e2e:rounds=1", "adversarial-training:fgsm:passes=1"])
def test_those_who_know_of_no_cloak_never_run_the_tool(name: str) -> None:
    def forbidden(_pictures: Pictures, _rng: Generator) -> Pictures:
        raise AssertionError("it knows of no cloak")

    ready = prepared(name, given=threat(forbidden))
    ready(CLOAKED)
    assert not adversary(name).about.uses_tool


def test_copies_are_of_half_of_those_with_several_pictures_whoever_cloaks() -> None:
    single = CLEAN.select([0, 1, 3, 4, 6, 7, 9, 10, 11]).join(people(9, 1).of([7, 8]))
    half = chosen(single, 0.5, seed=3)
    assert len(half) == 2
    assert set(half) <= {0, 1, 2, 3}
    assert half == chosen(darker(single, Generator()), 0.5, seed=3), "the same in both arms"
    assert len({tuple(chosen(single, 0.5, seed)) for seed in range(20)}) > 1
    assert chosen(single, 0, 3) == []
    assert chosen(single, 1, 3) == [0, 1, 2, 3]
    made = Copies(darker, 0.5, 3)(single)
    assert made.people == half
    assert len(made) == len(single.of(half))


def test_the_tool_is_run_on_what_was_scraped_and_on_the_background_alone() -> None:
    asked: list[Pictures] = []

    def noting(pictures: Pictures, rng: Generator) -> Pictures:
        asked.append(pictures)
        return darker(pictures, rng)

    given = threat(noting)
    prepared("adaptive:e2e:rounds=1", given=given)(CLOAKED)
    assert asked[0] is given.background
    assert set(asked[1].digests) < set(CLOAKED.digests)


def test_a_tool_that_cannot_be_run_on_the_gallery_leaves_the_copies_out() -> None:
    def only_once(pictures: Pictures, rng: Generator) -> Pictures:
        if 0 in pictures.people or 1 in pictures.people or 2 in pictures.people:
            raise NotPossibleError("copies by somebody else", expected="a tool", remedy="none")
        return darker(pictures, rng)

    one = weights(prepared("adaptive:e2e:rounds=1", given=threat(only_once))(CLEAN))
    two = weights(prepared("adaptive:e2e:rounds=1:share=0")(CLEAN))
    assert all(torch.equal(one[k], two[k]) for k in one)


@pytest.fixture(scope="module")
def learned() -> Callable[[str], dict[str, Tensor]]:
    """The weights that an adversary learns from the clean gallery; each once."""
    return functools.cache(lambda name: weights(prepared(name)(CLEAN)))


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ("oblivious:e2e:rounds=1", "oblivious:e2e:rounds=2"),
        ("adaptive:e2e:rounds=1", "adaptive:e2e:rounds=1:share=0"),
        ("adaptive:e2e:epochs=3:rounds=1", "adaptive:e2e:epochs=3:rounds=1:jpeg=10"),
        ("adversarial-training:fgsm:passes=1", "adversarial-training:fgsm:passes=2"),
        ("adversarial-training:fgsm:passes=1", "adversarial-training:fgsm:passes=1:eps=0.2"),
        ("adversarial-training:fgsm:passes=1", "adversarial-training:fgsm:passes=1:pictures=3"),
        pytest.param(MADRY, "adversarial-training:trades:passes=1", marks=pytest.mark.slow),
        pytest.param(MADRY, f"{MADRY}:steps=1", marks=pytest.mark.slow),
    ],
)
def test_every_option_has_an_effect(
    learned: Callable[[str], dict[str, Tensor]], plain: str, other: str
) -> None:
    one, two = learned(plain), learned(other)
    assert any(not torch.equal(one[k], two[k]) for k in one)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("oblivious:rounds=3", "oblivious:e2e:rounds=3"),
        ("adaptive:rounds=3", "adaptive:e2e:rounds=3"),
        ("adaptive:share=0.2", "adaptive:e2e:share=0.2"),
        ("adversarial-training:fgsm:steps=2", "madry and trades"),
        ("adaptive:jpeg=0", "greater than or equal to 1"),
    ],
)
def test_an_option_without_effect_is_refused(name: str, why: str) -> None:
    with pytest.raises(OptionError, match=why):
        adversary(name)


def test_the_training_on_re_encoded_pictures_shows_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the pictures, each beside its cloaked copy after the same."""
    losses: list[Any] = []
    monkeypatch.setattr(
        "adversaries.adaptive.train", lambda _n, loss, *_, **__: losses.append(loss)
    )
    seen: list[Tensor] = []
    original = TinyNetwork.forward

    def noting(self: TinyNetwork, images: Tensor) -> Tensor:
        seen.append(images)
        return original(self, images)

    monkeypatch.setattr(TinyNetwork, "forward", noting)
    given = threat()
    adversary("adaptive:jpeg=10").prepare(given, Generator().manual_seed(1))
    seen.clear()
    rows = torch.arange(10)
    losses[0](rows, Generator().manual_seed(0))
    plain = given.background.faces()
    clean = seen[0][:10]
    same = [
        bool((f == p).all() or (f == p.flip(-1)).all()) for f, p in zip(clean, plain, strict=True)
    ]
    assert 0 < sum(same) < 10


class StopHereError(Exception):
    """Stands for a kill at this moment."""


class Cut(Cache):
    """Stops at the first checkpoint of a training on the gallery."""

    def put(self, key: str, record: Record) -> None:
        super().put(key, record)
        if any(name.startswith("part/classifier") for name in record):
            raise StopHereError


def test_an_interrupted_training_of_art_ends_the_same(tmp_path: Path) -> None:
    start = threat().recognition
    assert isinstance(start, Embedding)
    student = Student(32, 0, start.card).eval().requires_grad_(False)
    start = Embedding(student, start.fit, "nn", Work())

    def trained(work: Work) -> dict[str, Tensor]:
        fit = Robust(start, Attack("fgsm", 0.01, 1), 2, 64, 5, work)
        return weights(OnGallery(start, fit, Work())(CLEAN))

    whole = trained(Work())
    with pytest.raises(StopHereError):
        trained(Work(Cut(tmp_path)))
    work = Work(Cache(tmp_path))
    resumed = trained(work)
    assert all(torch.equal(resumed[k], whole[k]) for k in whole)
    label = "adversarial training on the gallery (fgsm)"
    assert work.tally[label, "found"] == work.tally[label, "made"] == 1


@pytest.mark.parametrize(("member", "passes"), [("fgsm", 2), ("madry", 3), ("trades", 4)])
def test_a_step_passes_through_the_network_for_attack_and_learning_alone(
    member: str, passes: int
) -> None:
    """One picture's gradient for each step of the attack, of 2; ART's log gets no further ones."""
    start = threat().recognition
    assert isinstance(start, Embedding)
    network = Classifier(Student(32, 0, start.card), torch.randn(2, 32))
    fit = Robust(start, Attack(member, 0.01, 2), 1, 8, 5, Work())
    rows = CLEAN.select(torch.arange(8))
    seen: list[bool] = []
    hook = network.register_forward_hook(lambda *_: seen.append(network.training))
    fit(network, rows, torch.arange(8) % 2)
    hook.remove()
    settling = 1
    assert len(seen) == passes + settling


@pytest.mark.parametrize("member", ["fgsm", "madry", "trades"])
def test_attacks_that_leave_out_gradients_of_weights_teach_the_same(
    member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threat().recognition
    assert isinstance(start, Embedding)
    student = Student(32, 0, start.card).eval().requires_grad_(False)
    start = Embedding(student, start.fit, "nn", Work())

    def trained() -> dict[str, Tensor]:
        fit = Robust(start, Attack(member, 0.01, 1), 1, 32, 5, Work())
        return weights(OnGallery(start, fit, Work())(CLEAN))

    sparing = trained()
    monkeypatch.setattr(robust, "of_pictures_alone", lambda _network, gradient: gradient)
    whole = trained()
    assert all(torch.equal(sparing[k], whole[k]) for k in whole)


def test_an_attack_needs_no_gradients_of_weights() -> None:
    network = nn.Linear(3, 2)
    seen: list[bool] = []

    def gradient() -> None:
        seen.extend(weight.requires_grad for weight in network.parameters())
        raise StopHereError

    with pytest.raises(StopHereError):
        robust.of_pictures_alone(network, gradient)()
    assert seen == [False, False]
    assert all(weight.requires_grad for weight in network.parameters()), "it goes on learning"


def test_arts_trainers_are_quiet_and_leave_global_generators_alone(
    capfd: pytest.CaptureFixture[str],
) -> None:
    import numpy as np

    ready = {m: prepared(f"adversarial-training:{m}:passes=1:steps=1") for m in ("madry", "trades")}
    capfd.readouterr()
    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(3)
    np.random.seed(3)
    for each in ready.values():
        each(CLEAN)
    assert (torch.rand(1), np.random.rand()) == expected
    assert capfd.readouterr().err == ""


def test_the_recipe_of_plain_retraining_is_unchanged() -> None:
    made: Any = adversary("adaptive")
    assert made.recipe == training.Recipe(1, 10)
    assert made.jpeg is None
