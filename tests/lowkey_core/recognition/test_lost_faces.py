"""Photos whose face the detector lost: networks do not see them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Generator

from adversaries import ThreatModel
from adversaries.adaptive import Adaptive
from adversaries.detection import Detection
from adversaries.parts.training import Recipe
from lowkey_core.faces.pictures import CropPicture, crops
from lowkey_core.matchers import MATCHERS
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import NOT_FOUND, Pictures
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, people

PICTURES = people(4, 3)


def losing(pictures: Pictures, *rows: int) -> Pictures:
    """The same, the face of some not found."""
    items = list(pictures.items)
    for row in rows:
        lost = items[row]
        assert isinstance(lost, CropPicture)
        items[row] = replace(lost, found=False)
    return Pictures(tuple(items))


def embedding() -> Embedding:
    return Embedding(TinyNetwork(), MATCHERS.load("nn"), "nn", Work())


def test_a_network_enrols_only_what_has_a_face() -> None:
    gallery = losing(PICTURES, 0, 1, 2)
    found = embedding().enrol(gallery).search(PICTURES, 4)
    assert not (found.identities == 0).any(), "nothing of person 0 is known"
    alone = embedding().enrol(PICTURES.of([1, 2, 3])).search(PICTURES, 4)
    assert torch.equal(found.scores[:, :3], alone.scores[:, :3])


def test_a_probe_without_a_face_finds_nobody_and_its_neighbours_are_found() -> None:
    probes = losing(PICTURES, 4)
    gallery = embedding().enrol(PICTURES)
    ranks = gallery.search(probes, 2).ranks(probes.identities)
    assert ranks.tolist() == [NOT_FOUND if i == 4 else 1 for i in range(12)]
    likeness = gallery.likeness(probes, probes.identities)
    assert (likeness == -torch.inf).nonzero().flatten().tolist() == [4]


def test_where_every_face_is_lost_nobody_is_enrolled_or_found() -> None:
    none = losing(PICTURES, *range(12))
    for gallery, probes in ((none, PICTURES), (PICTURES, none)):
        found = embedding().enrol(gallery).search(probes, 3)
        assert (found.identities == -1).all()


def darker(pictures: Pictures, rng: Generator) -> Pictures:
    """A tool that loses the faces of some pictures."""
    made = crops(pictures.faces() * 0.5, pictures.identities, pictures.names)
    return losing(made, 0, 3)


@pytest.mark.parametrize(
    "adversary",
    [Adaptive(Work(), Recipe(1)), Detection(Work(), Recipe(1, batch=16), "drop")],
    ids=["adaptive", "detection"],
)
def test_adversaries_bear_with_lost_faces(adversary: Adaptive | Detection) -> None:
    """Wherever they occur: in the background, in its cloaked copies, and in what is scraped."""
    threat = ThreatModel(embedding(), losing(people(8, 3, seed=3), 1), darker)
    prepared = adversary.prepare(threat, Generator().manual_seed(0))
    for lost in ([0, 7], range(12)):
        system = prepared(losing(PICTURES, *lost))
        assert system.flagged.shape == (12,)
        assert len(system.gallery.search(PICTURES, 2).scores) == 12
