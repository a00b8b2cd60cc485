"""The public cloaking tool, as protected people and adversaries run it."""

from __future__ import annotations

import datetime

import pytest
import torch
from torch import Generator, Tensor

from lowkey_core.cloaks.folder import FoundCopies
from lowkey_core.cloaks.none import Nothing
from lowkey_core.errors import NotPossibleError
from lowkey_core.publish.published import Published
from lowkey_core.publish.tool import ENOUGH, Tool
from lowkey_core.types import CloakAbout, Images, Pictures
from lowkey_core.work.work import Work
from tests.conftest import people

PICTURES = people(ENOUGH, 2)
RNG = Generator().manual_seed(0)


def copies_of(pictures: Pictures) -> Tool:
    """A cloak of found copies: those of these pictures."""
    cloak = FoundCopies("nowhere", Work())
    cloak.faces = {
        name: face[None] for name, face in zip(pictures.names, pictures.images, strict=True)
    }
    return Tool("folder", cloak, cloak)


def test_a_cloak_of_ours_covers_everything() -> None:
    tool = Tool("none", Nothing(), Nothing())
    assert tool.covered(PICTURES).all()
    assert tool.learnable(PICTURES).names == PICTURES.names
    assert torch.equal(tool(PICTURES, RNG).images, PICTURES.images)


def test_of_no_pictures_none_are_cloaked() -> None:
    def never(pictures: Pictures, rng: Generator) -> Images:
        raise AssertionError("there is nothing to cloak")

    assert len(Tool("none", Nothing(), never)(PICTURES.select([]), RNG)) == 0


def test_found_copies_cover_what_has_one() -> None:
    tool = copies_of(PICTURES.select([0, 3]))
    assert tool.covered(PICTURES).nonzero().flatten().tolist() == [0, 3]


def test_adversaries_learn_from_enough_people_or_not_at_all() -> None:
    tool = copies_of(PICTURES)
    assert torch.equal(tool.for_adversary(PICTURES, RNG).images, PICTURES.images)
    fewer = copies_of(PICTURES.of(range(1, ENOUGH)))
    assert fewer.learnable(PICTURES) is PICTURES
    with pytest.raises(NotPossibleError, match=f"{ENOUGH - 1} background people"):
        fewer.for_adversary(PICTURES, RNG)


def test_adversaries_learn_from_the_part_that_is_covered_if_it_is_large_enough() -> None:
    background = people(ENOUGH + 1, 2)
    tool = copies_of(background.of(range(ENOUGH)))
    assert tool.learnable(background).people == list(range(ENOUGH))
    tool.for_adversary(tool.learnable(background), RNG)


class ByPerson:
    """Gives each person's pictures the mean of them all, so it must see them all at once."""

    about = CloakAbout(datetime.date(2020, 1, 1), unit="identity")

    def __init__(self) -> None:
        self.seen: list[list[int]] = []

    def __call__(self, faces: Pictures, rng: Generator, /) -> Images:
        self.seen.append(faces.identities.tolist())
        means: list[Tensor] = [
            faces.images[faces.identities == who].mean(0) for who in faces.identities
        ]
        return torch.stack(means)


@pytest.mark.parametrize(("batch", "calls"), [(1, 4), (6, 2), (7, 2), (100, 1)])
def test_a_cloak_of_people_is_given_all_pictures_of_a_person(batch: int, calls: int) -> None:
    cloak, mixed = ByPerson(), people(4, 3).select([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11])
    published = Published(cloak, Work(), name="", batch=batch)(mixed, RNG)
    assert len(cloak.seen) == calls
    assert all(seen.count(who) == 3 for seen in cloak.seen for who in seen)
    whole = Published(ByPerson(), Work(), name="", batch=100)(mixed, RNG)
    assert torch.equal(published, whole), "in the order given, whatever the batches"
