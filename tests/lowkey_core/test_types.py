"""Labelled pictures: taken apart and put together, each keeps its person, name and digest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Generator

from lowkey_core import types
from lowkey_core.content import digests_of, per_picture, quantise
from lowkey_core.types import Pictures
from tests.conftest import people

PICTURES, OTHERS = people(4, 3), people(4, 3, seed=7)
CLOAKED = torch.arange(12) % 3 == 0


def rows(pictures: Pictures) -> list[tuple[int, str, str]]:
    """Everything that is known of each, its digest computed anew."""
    digests = digests_of(pictures.faces())
    return list(zip(pictures.identities.tolist(), pictures.names, digests, strict=True))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (lambda p: p.select([2, 0, 2]), [rows(PICTURES)[i] for i in (2, 0, 2)]),
        (lambda p: p.select(torch.tensor([11])), rows(PICTURES)[11:]),
        (lambda p: p.select(CLOAKED), rows(PICTURES)[::3]),
        (lambda p: p.select([]), []),
        (lambda p: p.select(torch.zeros(12).bool()), []),
        (lambda p: p.of([3, 1]), rows(PICTURES)[3:6] + rows(PICTURES)[9:]),
        (lambda p: p.of([99]), []),
        (lambda p: p.join(OTHERS), rows(PICTURES) + rows(OTHERS)),
        (lambda p: p.join(p.select([])), rows(PICTURES)),
        (
            lambda p: p.replaced(CLOAKED, OTHERS),
            [rows(PICTURES if i % 3 else OTHERS)[i] for i in range(12)],
        ),
    ],
)
def test_each_picture_keeps_what_is_known_of_it(
    changed: Callable[[Pictures], Pictures], expected: list[tuple[int, str, str]]
) -> None:
    found = changed(PICTURES)
    assert rows(found) == expected
    assert found.digests == tuple(digest for *_, digest in rows(found))
    assert len(found) == len(expected)


def test_digests_are_not_computed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    known = people(4, 3)
    assert len(set(known.digests)) == 12
    monkeypatch.setattr(types, "digests_of", None)
    part = known.select([3, 4]).join(known.of([2]))
    assert part.replaced(torch.zeros(5).bool(), part).digests == part.digests


def test_a_digest_is_of_what_a_file_holds() -> None:
    images = PICTURES.faces()
    assert digests_of(images) == digests_of(quantise(images + 0.4 / 255))
    assert digests_of(images[:1]) != digests_of(images[:1].flip(-1))
    assert digests_of(torch.zeros(1, 3, 2, 8)) != digests_of(torch.zeros(1, 3, 8, 2))


def test_people_are_named_once_and_in_order() -> None:
    assert PICTURES.select([11, 0, 5, 1]).people == [0, 1, 3]


def test_the_generator_of_a_picture_depends_on_seed_and_content_alone() -> None:
    def drawn(seed: int, digest: str, used: int = 0) -> list[float]:
        rng = Generator().manual_seed(seed)
        torch.rand(used, generator=rng)
        return torch.rand(4, generator=per_picture(rng, digest)).tolist()

    assert drawn(1, "a") == drawn(1, "a", used=5)
    assert drawn(1, "a") != drawn(1, "b")
    assert drawn(1, "a") != drawn(2, "a")
