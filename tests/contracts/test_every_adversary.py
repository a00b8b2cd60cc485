"""Every adversary learns once, from what it is granted, and serves both arms with it."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Generator, Tensor

from adversaries import Enrol, ThreatModel
from lowkey_core import plugins
from lowkey_core.matchers import MATCHERS, ranks_of
from lowkey_core.types import Faces, Images, Pictures, quantise
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, people

ADVERSARIES = plugins.available("adversaries")


class Stripes:
    """A cloak anyone can see: every other row darker."""

    def __init__(self) -> None:
        self.asked: list[Tensor] = []

    def __call__(self, pictures: Pictures, rng: Generator, /) -> Images:
        self.asked.append(pictures.identities)
        stripes = torch.ones(112, 1)
        stripes[::2] = 0.8
        return quantise(pictures.images * stripes)


def threat(cloak: Stripes | None = None) -> ThreatModel:
    background = people(30, 2, seed=9)
    background = dataclasses.replace(background, identities=background.identities + 100)
    return ThreatModel(TinyNetwork(5), MATCHERS["nn"], background, cloak or Stripes())


def prepared(name: str, given: ThreatModel) -> Enrol:
    offered = {"work": Work(), "epochs": 2, "flagged": "keep"}
    adversary = plugins.load("adversaries", name, offered=offered)
    enrol: Enrol = adversary.prepare(given, Generator().manual_seed(1))
    return enrol


def gallery(seed: int = 0) -> Faces:
    pictures = people(6, 3, seed)
    return Faces(pictures.images, pictures.identities)


@pytest.mark.parametrize("name", ADVERSARIES)
def test_identifies_clean_probes_from_a_clean_gallery(name: str) -> None:
    faces = gallery()
    enrolled, probes = faces.select(faces_of(faces, [0, 1])), faces.select(faces_of(faces, [2]))
    recogniser = prepared(name, threat())(enrolled)
    ranks = ranks_of(recogniser.identify(probes.images), probes.identities)
    assert (ranks == 1).float().mean() >= 5 / 6
    assert recogniser.flagged.shape == (len(enrolled),)


@pytest.mark.parametrize("name", ADVERSARIES)
def test_learns_from_its_background_alone(name: str) -> None:
    """The cloak is only ever asked for background identities."""
    cloak = Stripes()
    enrol = prepared(name, threat(cloak))
    asked = len(cloak.asked)
    enrol(gallery())
    assert len(cloak.asked) == asked, "enrolling must not learn"
    assert all((identities >= 100).all() for identities in cloak.asked)


@pytest.mark.parametrize("name", ADVERSARIES)
def test_two_preparations_are_one(name: str) -> None:
    one, two = (prepared(name, threat())(gallery()) for _ in range(2))
    assert torch.equal(one.identify(gallery(4).images), two.identify(gallery(4).images))
    assert torch.equal(one.flagged, two.flagged)


@pytest.mark.parametrize("name", ADVERSARIES)
def test_leaves_the_recogniser_it_was_given_alone(name: str) -> None:
    given = threat()
    before = {k: v.clone() for k, v in given.embedder.state_dict().items()}
    prepared(name, given)
    assert all(torch.equal(v, before[k]) for k, v in given.embedder.state_dict().items())


@pytest.mark.parametrize("name", ADVERSARIES)
def test_says_how_many_cloaks_it_saw_if_it_learns(name: str) -> None:
    learned = getattr(prepared(name, threat()), "learned", {})
    assert learned.get("cloaked_seen", 1.0) == 1.0
    assert bool(learned) == (name != "oblivious")


def faces_of(faces: Faces, positions: list[int]) -> list[int]:
    """Rows of each identity's pictures at these positions."""
    return [
        int((faces.identities == who).nonzero()[p])
        for who in faces.identities.unique()
        for p in positions
    ]
