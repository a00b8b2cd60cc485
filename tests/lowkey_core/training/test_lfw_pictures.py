"""Pictures that the zoo learned from are known again, and those of people kept out are not."""

from __future__ import annotations

import pytest

from lowkey_core import datasets, weights
from lowkey_core.photos.photo import digest_of
from lowkey_core.training import lfw_pictures
from lowkey_core.training.faces import kept_out


def test_the_digests_ship_with_the_project() -> None:
    assert weights.locate(lfw_pictures.CARD).stat().st_size == lfw_pictures.CARD.size
    assert {len(digest) for digest in lfw_pictures.digests()} == {lfw_pictures.DIGITS}


def test_a_picture_is_known_by_its_file() -> None:
    seen = next(iter(lfw_pictures.digests()))
    assert lfw_pictures.known([seen + "0" * 22, "0" * 32, seen + "f" * 22]) == 2


@pytest.mark.faces
def test_what_the_zoo_learned_from_is_known_and_who_was_kept_out_is_not() -> None:
    lfw = datasets.load("lfw")
    out = kept_out(lfw)
    learned = [digest_of(p.read()) for p in lfw.photos if p.identity not in out]
    others = [digest_of(p.read()) for p in lfw.photos if p.identity in out]
    assert lfw_pictures.known(learned) == len(learned)
    assert lfw_pictures.known(others) == 0
