"""What is too much alike is said: copies of what is enrolled, and protected people among others."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from audit import likenesses
from audit.counts import Counts
from audit.likenesses import Bars, looked_at
from audit.photographs import Photographs, align
from lowkey_core import datasets, recognisers
from lowkey_core.datasets import Dataset
from lowkey_core.datasets.synthetic import GeneratedPhoto
from lowkey_core.faces.pictures import PhotoPicture, crops
from lowkey_core.matchers.nn import NearestNeighbour
from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from lowkey_core.photos.photo import MadePhoto
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import ARCFACE, Pictures
from lowkey_core.weights import Card
from lowkey_core.work.work import Work
from tests.audit.samples import COUNTS
from tests.conftest import people


class Pixels(nn.Module):
    """Compares pictures by the correlation of their pixels."""

    template = ARCFACE
    card = Card("pixels", "", "", "this test", "none", datetime.date(2020, 1, 1), "nothing")

    def forward(self, images: Tensor) -> Tensor:
        small = F.adaptive_avg_pool2d(images, 14).flatten(1)
        return F.normalize(small - small.mean(1, keepdim=True))


def called(pictures: Pictures, names: str, identity: int | None = None) -> Pictures:
    """The same pictures under other names, perhaps somebody else's."""
    whose = pictures.identities if identity is None else torch.full((len(pictures),), identity)
    return crops(pictures.faces(), whose, [f"{names}{i}" for i in range(len(pictures))])


def counted(probes: Pictures, bystanders: Pictures, known: str = "pixels") -> Counts:
    """Counts of an audit in which people 0 to 2 are protected, with two pictures each enrolled."""
    photos = photographs(people(6, 4).select([0, 1, 4, 5, 8, 9]), probes, bystanders)
    recognition = Embedding(Pixels(), NearestNeighbour, "nn", Work())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(likenesses, "KNOWN", {known: Bars(copies=0.97, person=0.6)})
        return looked_at(photos, [[recognition]]).counts


def photographs(gallery: Pictures, probes: Pictures, bystanders: Pictures) -> Photographs:
    return Photographs(
        gallery=gallery,
        probes=probes,
        bystanders=bystanders,
        background=people(1, 1, seed=1),
        calibration=Pictures(()),
        others_probes=Pictures(()),
        counts=COUNTS,
        dataset=Dataset("d", ()),
        names=tuple(f"person {i}" for i in range(10)),
    )


PROBES, OTHERS = people(6, 4).select([2, 3, 6, 7, 10, 11]), people(6, 4).of([3, 4, 5])


def test_other_photos_and_other_people_are_not_too_much_alike() -> None:
    counts = counted(PROBES, OTHERS)
    assert (counts.near_duplicates, counts.lookalikes) == ((), ())
    assert counts.compared_by == "pixels"


def test_a_probe_that_shows_what_is_enrolled_is_named() -> None:
    darker = people(6, 4).select([5])
    darker = crops(0.9 * darker.faces() + 0.01, darker.identities, ["frame 2"])
    assert counted(PROBES.join(darker), OTHERS).near_duplicates == ("frame 2",)


def test_a_picture_of_somebody_else_is_no_copy_of_theirs() -> None:
    wrong = called(people(6, 4).select([4]), "wrong", identity=0)
    assert counted(PROBES.join(wrong), OTHERS).near_duplicates == ()


def test_a_protected_person_among_the_others_is_named() -> None:
    double = called(people(6, 4).select([2]), "double", identity=9)
    assert counted(PROBES, OTHERS.join(double)).lookalikes == ("person 9",)
    assert counted(PROBES, Pictures(())).lookalikes == ()


def test_nobody_looks_whose_likeness_was_not_measured() -> None:
    counts = counted(PROBES.join(PROBES), OTHERS, known="another")
    assert (counts.compared_by, counts.near_duplicates) == ("", ())


def test_drawn_pictures_are_passed_over() -> None:
    drawn = PhotoPicture(GeneratedPhoto("nobody", "nobody.png", Path("none")), 9, "", None)
    double = called(people(6, 4).select([2]), "double", identity=8)
    counts = counted(PROBES, OTHERS.join(Pictures((drawn,))).join(double))
    assert counts.lookalikes == ("person 8",)
    assert counted(PROBES, Pictures((drawn,))).lookalikes == ()


@pytest.mark.faces
def test_a_real_copy_and_a_real_double_are_named_and_nobody_else() -> None:
    lfw = datasets.load("lfw").by_identity.values()
    many = [own for own in lfw if len(own) >= 10][:3]
    single = [own[0] for own in lfw if len(own) == 1][:5]
    kept, searched = ([p for own in many for p in own[part]] for part in (slice(4), slice(4, 6)))
    frame = Image.fromarray(decode_pixels(kept[0].read())).rotate(2, Image.Resampling.BICUBIC)
    content = encode_pixels(np.asarray(frame), "JPEG", quality=60)
    again = MadePhoto(kept[0].identity, "again", Path("again"), written=content)
    double = replace(many[1][7], identity="double", name="double")
    numbers = {p.identity: i for i, p in enumerate([*(own[0] for own in many), *single, double])}
    parts = (kept, [*searched, again], [*single, double])
    gallery, probes, others = (align(own, Work()).pictures(own, numbers) for own in parts)
    recognition = Embedding(recognisers.network("dlib"), NearestNeighbour, "nn", Work())
    counts = looked_at(photographs(gallery, probes, others), [[recognition]]).counts
    assert counts.near_duplicates == ("again",)
    assert counts.lookalikes == (f"person {numbers['double']}",)
