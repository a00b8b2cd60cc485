"""Every matcher: a search is the best of a dense table, and never returns the table."""

from __future__ import annotations

import importlib

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from lowkey_core.matchers import MATCHERS
from lowkey_core.recognition.matching import Fitted
from lowkey_core.types import Candidates, Embeddings

NAMES = MATCHERS.available()
KNOWN = torch.tensor([2, 3, 5, 7, 11, 13, 17])
STRANGER = 4


def vectors(count: int, seed: int) -> Embeddings:
    return F.normalize(torch.randn(count, 16, generator=Generator().manual_seed(seed)))


GALLERY, PROBES = vectors(35, 0), vectors(20, 1)
IDENTITIES = KNOWN.repeat(5)


def fitted(name: str, people: int = len(KNOWN)) -> Fitted:
    """A matcher that knows the first so many people."""
    mine = torch.isin(IDENTITIES, KNOWN[:people])
    return MATCHERS.load(name)(GALLERY[mine], IDENTITIES[mine])


def table(matcher: Fitted, probes: Embeddings, known: Tensor = KNOWN) -> Tensor:
    """(p, c): everybody's likeness to everybody, which a matcher must never make."""
    return torch.stack([matcher.likeness(probes, who.expand(len(probes))) for who in known], 1)


def assert_best(found: Candidates, scores: Tensor, k: int) -> None:
    """The k best of each row, equal ones in the order of identities."""
    order = scores.argsort(dim=1, descending=True, stable=True)[:, :k]
    assert torch.allclose(found.scores, scores.gather(1, order), atol=1e-5)
    assert torch.equal(found.identities, KNOWN[order])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("k", [1, 3, len(KNOWN)])
def test_a_search_is_the_best_of_a_dense_table(name: str, k: int) -> None:
    matcher = fitted(name)
    found = matcher.search(PROBES, k)
    assert found.scores.shape == found.identities.shape == (len(PROBES), k)
    assert_best(found, table(matcher, PROBES), k)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("people", [1, 2, 3])
def test_no_more_are_found_than_asked_for_or_enrolled(name: str, people: int) -> None:
    matcher = fitted(name, people)
    for k in (1, people, people + 1, 50):
        found = matcher.search(PROBES, k)
        assert found.scores.shape == (len(PROBES), min(k, people))
        assert torch.isin(found.identities, KNOWN[:people]).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("people", [1, 2, 3])
def test_few_people_are_enough_to_find_ones_own_picture(name: str, people: int) -> None:
    """Pictures of one person are alike."""
    mine = KNOWN[:people].repeat(5)
    gallery = F.normalize(vectors(people, 4).repeat(5, 1) + 0.5 * vectors(len(mine), 5))
    found = MATCHERS.load(name)(gallery, mine).search(gallery, 1)
    assert (found.identities[:, 0] == mine).float().mean() > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_single_precision_and_identities_whole(name: str) -> None:
    matcher = fitted(name)
    found = matcher.search(PROBES, 3)
    likeness = matcher.likeness(PROBES, KNOWN[:1].expand(len(PROBES)))
    kinds = (found.scores.dtype, found.identities.dtype, likeness.dtype)
    assert kinds == (torch.float32, torch.int64, torch.float32)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("people", [1, 2, len(KNOWN)])
def test_a_stranger_is_like_nobody(name: str, people: int) -> None:
    claimed = torch.full((len(PROBES),), STRANGER)
    assert (fitted(name, people).likeness(PROBES, claimed) == -torch.inf).all()


@pytest.mark.parametrize("name", NAMES)
def test_each_probe_claims_an_identity_of_its_own(name: str) -> None:
    matcher = fitted(name)
    claimed = torch.cat([KNOWN, torch.tensor([STRANGER])]).repeat(3)[: len(PROBES)]
    each = [matcher.likeness(PROBES[i : i + 1], claimed[i : i + 1]) for i in range(len(PROBES))]
    assert torch.allclose(matcher.likeness(PROBES, claimed), torch.cat(each), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("order", [1, -1], ids=["ascending", "descending"])
def test_ties_are_in_the_order_of_identities(name: str, order: int) -> None:
    """Two people with the same pictures, whoever was enrolled first."""
    one = vectors(4, 2)
    people = [11, 3][::order]
    identities = torch.tensor(people).repeat_interleave(4)
    found = MATCHERS.load(name)(torch.cat([one, one]), identities).search(PROBES, 2)
    tied = (found.scores[:, 0] - found.scores[:, 1]).abs() < 1e-6
    assert tied.all()
    exactly = found.scores[:, 0] == found.scores[:, 1]
    assert (found.identities[exactly] == torch.tensor([3, 11])).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("probes", "columns"), [(1, 1), (3, 4), (7, 12), (20, 35)])
def test_blocks_do_not_show(
    name: str, probes: int, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few probes, and pictures of the gallery, are compared at once."""
    whole = fitted(name).search(PROBES, 4)
    family = name.partition(":")[0].replace("-", "_")
    module = importlib.import_module(f"lowkey_core.matchers.{family}")
    for size, value in (("PROBES", probes), ("COLUMNS", columns)):
        if hasattr(module, size):
            monkeypatch.setattr(module, size, value)
    parts = fitted(name).search(PROBES, 4)
    assert torch.allclose(parts.scores, whole.scores, atol=1e-5)
    assert torch.equal(parts.identities, whole.identities)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_gallery_does_not_matter(name: str) -> None:
    order = torch.randperm(len(GALLERY), generator=Generator().manual_seed(3))
    shuffled = MATCHERS.load(name)(GALLERY[order], IDENTITIES[order]).search(PROBES, 4)
    plain = fitted(name).search(PROBES, 4)
    assert torch.equal(shuffled.identities, plain.identities)
    assert torch.allclose(shuffled.scores, plain.scores, atol=1e-2)
