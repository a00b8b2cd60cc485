"""The public cloaking tool, as protected people and adversaries run it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import pytest
import torch
from torch import Generator, Tensor

from lowkey_core.cloaks import CloakAbout
from lowkey_core.cloaks.none import Nothing
from lowkey_core.errors import NotPossibleError
from lowkey_core.faces.pictures import crops
from lowkey_core.publish.published import Published
from lowkey_core.publish.tool import ENOUGH, CloakTool
from lowkey_core.types import Faces, Images, Pictures, faces_of
from lowkey_core.work.work import Work
from tests.conftest import people

PICTURES = people(ENOUGH, 2)
RNG = Generator().manual_seed(0)


class Copies:
    """A `ThirdPartyCloak` whose copies show somebody else; it has those of these pictures."""

    about = CloakAbout(against=None)
    missing = unusable = unchanged = notes = ()
    reasons: Mapping[str, str] = {}
    strays: Mapping[str, str] = {}

    def __init__(self, covered: Pictures) -> None:
        others = people(ENOUGH + 1, 2, seed=7).items
        self.copies = dict(zip(covered.names, others, strict=False))

    def originals(self, photos: Images) -> Images:
        return photos

    def covers(self, name: str) -> bool:
        return name in self.copies

    def read(self, pictures: Pictures) -> None:
        """It has read them."""

    def published(self, pictures: Pictures, rng: Generator, /) -> Pictures:
        return Pictures(tuple(self.copies.get(p.name, p) for p in pictures.items))


def copies_of(pictures: Pictures) -> CloakTool:
    return CloakTool("folder", Copies(pictures), Work())


class Darker:
    """A cloak whose change is known: every other face 30 grey levels darker."""

    about = CloakAbout()

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        every_other = torch.arange(len(faces)).view(-1, 1, 1, 1) % 2
        return (faces.images - 30 / 255 * every_other).clamp(0, 1)


def test_a_cloak_of_faces_changes_pictures_by_as_much() -> None:
    after = CloakTool("dark", Darker(), Work())(PICTURES, RNG)
    change = torch.arange(len(PICTURES)).view(-1, 1, 1, 1) % 2 * 30 / 255
    assert torch.allclose(after.faces(), (PICTURES.faces() - change).clamp(0, 1), atol=1e-6)
    assert (after.names, after.people) == (PICTURES.names, PICTURES.people)
    pairs = zip(after.items[::2], PICTURES.items[::2], strict=True)
    assert all(torch.equal(one.face(), other.face()) for one, other in pairs)


def test_a_cloak_of_ours_covers_everything() -> None:
    tool = CloakTool("none", Nothing(), Work())
    assert tool.covered(PICTURES).all()
    assert tool.learnable(PICTURES).names == PICTURES.names
    assert torch.equal(tool(PICTURES, RNG).faces(), PICTURES.faces())


def test_of_no_pictures_none_are_cloaked() -> None:
    class Never:
        about = CloakAbout()

        def __call__(self, faces: Faces, rng: Generator, /) -> Images:
            raise AssertionError("there is nothing to cloak")

    assert len(CloakTool("never", Never(), Work())(PICTURES.select([]), RNG)) == 0


def test_whoever_asks_for_the_same_again_is_answered_from_memory() -> None:
    """The same people's pictures under the same names with the same seed, even where nothing is
    kept on disk; but never what a trial answers."""
    asked: list[int] = []

    class Asked(Darker):
        def __call__(self, faces: Faces, rng: Generator, /) -> Images:
            asked.append(len(faces))
            return super().__call__(faces, rng)

    work = Work()
    tool = CloakTool("dark", Asked(), work, batch=len(PICTURES))
    with work.trial():
        tool(PICTURES, RNG)
    first = tool(PICTURES, RNG)
    assert tool(PICTURES, RNG).digests == first.digests
    assert len(asked) == 2, "in the trial, and once after it"
    others = crops(PICTURES.faces(), PICTURES.identities + 1, PICTURES.names)
    assert tool(others, RNG).people == others.people
    tool(PICTURES, Generator().manual_seed(1))
    assert len(asked) == 4


def test_copies_cover_what_has_one_and_are_published_as_they_are() -> None:
    tool = copies_of(PICTURES.select([0, 3]))
    assert tool.covered(PICTURES).nonzero().flatten().tolist() == [0, 3]
    published = tool(PICTURES, RNG)
    changed = (published.faces() != PICTURES.faces()).flatten(1).any(1)
    assert changed.nonzero().flatten().tolist() == [0, 3]


def test_adversaries_learn_from_enough_people_or_not_at_all() -> None:
    tool = copies_of(PICTURES)
    assert len(tool.for_adversary(PICTURES, RNG)) == len(PICTURES)
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

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        self.seen.append(faces.identities.tolist())
        means: list[Tensor] = [
            faces.images[faces.identities == who].mean(0) for who in faces.identities
        ]
        return torch.stack(means)


@pytest.mark.parametrize(("batch", "calls"), [(1, 4), (6, 2), (7, 2), (100, 1)])
def test_a_cloak_of_people_is_given_all_pictures_of_a_person(batch: int, calls: int) -> None:
    mixed = people(4, 3).select([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11])
    cloak, faces = ByPerson(), faces_of(mixed)
    published = Published(cloak, Work(), name="", batch=batch)(faces, RNG)
    assert len(cloak.seen) == calls
    assert all(seen.count(who) == 3 for seen in cloak.seen for who in seen)
    whole = Published(ByPerson(), Work(), name="", batch=100)(faces, RNG)
    assert torch.equal(published, whole), "in the order given, whatever the batches"
