"""Photos whose face the detector lost: networks do not see them, services are sent them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Generator

from adversaries import ThreatModel
from adversaries.adaptive import Adaptive
from adversaries.detection import Detection
from adversaries.parts.training import Recipe
from lowkey_core.errors import NotPossibleError
from lowkey_core.faces.pictures import CropPicture, crops
from lowkey_core.matchers import MATCHERS
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.recognition.service import Service, ServiceGallery
from lowkey_core.types import NOT_FOUND, Pictures
from lowkey_core.weights import unverified_card
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


class Client:
    """Remembers what it is sent; sees no face in the darkest photo."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def index(self, identity: int, photo: bytes, /) -> bool:
        self.sent.append(photo)
        return len(self.sent) != 2

    def search(self, photo: bytes, k: int, /) -> list[tuple[int, float]] | None:
        self.sent.append(photo)
        return None if len(self.sent) % 2 else [(9 - i, 1.0 - i / 10) for i in range(k + 3)]


def test_a_service_is_sent_every_photo_whole() -> None:
    client = Client()
    service = Service(unverified_card("it"), lambda: client)
    gallery = service.enrol(losing(PICTURES, 0, 5))
    assert isinstance(gallery, ServiceGallery)
    assert gallery.indexed.tolist() == [i != 1 for i in range(12)]
    for photo, picture in zip(client.sent, PICTURES.items, strict=True):
        assert (decode_pixels(photo) == picture.pixels()).all()


def test_a_services_answers_are_the_k_best_and_none_is_nobody() -> None:
    client = Client()
    gallery = Service(unverified_card("it"), lambda: client).enrol(PICTURES.select([]))
    found = gallery.search(PICTURES.select([0, 1]), 2)
    assert found.identities.tolist() == [[-1, -1], [9, 8]]
    assert found.ranks(torch.tensor([9, 8])).tolist() == [NOT_FOUND, 2]
    with pytest.raises(NotPossibleError, match="alike"):
        gallery.likeness(PICTURES, PICTURES.identities)


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
