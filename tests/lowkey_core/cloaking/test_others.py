"""Other people: few pictures of each, never the person that is cloaked."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lowkey_core.cloaking.others import PICTURES, Others, centres, nobody
from lowkey_core.errors import DatasetError
from lowkey_core.types import Faces, faces_of
from tests.conftest import people


def faces() -> Faces:
    """Three people, -3, 5 and 7, of 12, 1 and 3 pictures, mixed."""
    whole = faces_of(people(2, 8))
    who = torch.tensor([-3] * 6 + [7, 5, 7, 7] + [-3] * 6)
    return replace(whole, identities=who)


def test_nobody_is_asked_for_before_they_are_needed_and_then_once() -> None:
    asked = []

    def load() -> Faces:
        asked.append(1)
        return faces()

    others = Others(load)
    assert not asked
    assert others.people == [-3, 5, 7]
    assert others.faces is others.faces
    assert len(asked) == 1


def test_there_are_so_many_pictures_of_each_the_first() -> None:
    found, whole = Others(faces).faces, faces()
    counts = {who: int((found.identities == who).sum()) for who in (-3, 5, 7)}
    assert counts == {-3: PICTURES, 5: 1, 7: 3}
    own = torch.tensor([0, 1, 2, 3, 4, 5, 10, 11, 12, 13])
    here = (found.identities == -3).nonzero().flatten()
    assert found.select(here).names == whole.select(own).names


def test_oneself_is_not_among_them() -> None:
    others = Others(faces)
    assert others.besides(5, 2, "mine") == [-3, 7]
    assert others.besides(0, 3, "mine") == [-3, 5, 7]


def test_too_few_are_an_error() -> None:
    with pytest.raises(DatasetError) as error:
        Others(faces).besides(5, 3, "mine")
    assert "mine can choose its target among 2 other people" in str(error.value)
    assert "at least 3" in error.value.expected
    assert "background" in error.value.remedy
    assert not Others(nobody).people


def test_a_centre_is_the_mean_of_a_person() -> None:
    embedded = torch.tensor([[1.0, 0], [3, 0], [0, 5]])
    found = centres(embedded, torch.tensor([4, 4, -1]), [-1, 4])
    assert found.tolist() == [[0, 5], [2, 0]]


def test_a_name_for_who_they_are() -> None:
    own = Others(faces).fingerprint
    assert own == Others(faces).fingerprint
    swapped = replace(faces(), identities=faces().identities.flip(0))
    assert Others(lambda: swapped).fingerprint != own
    assert Others(lambda: faces().select(torch.arange(3))).fingerprint != own
