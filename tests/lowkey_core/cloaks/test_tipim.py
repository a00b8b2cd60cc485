"""TIP-IM: towards whichever of several people gains most."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from lowkey_core.cloaking.others import Others
from lowkey_core.cloaks.tipim import TipIm, build
from lowkey_core.errors import DatasetError
from lowkey_core.types import Faces, Images, faces_of
from tests.conftest import TinyNetwork, people

SURROGATES = (TinyNetwork(1), TinyNetwork(2))
EPS = 12 / 255


def others(count: int) -> Others:
    faces = faces_of(people(count, 2, seed=5))
    return Others(lambda: replace(faces, identities=-1 - faces.identities))


def tipim(count: int = 6, **options: Any) -> TipIm:
    return build(SURROGATES, others(count), **{"steps": 10, "targets": 3, **options})


def cloaked(faces: Faces, cloak: TipIm) -> Images:
    return cloak(faces, Generator().manual_seed(0))


def middles(network: TinyNetwork, them: Others) -> Tensor:
    """Of each of the others, of unit length, the last first."""
    faces = them.faces
    own = [network(faces.images[faces.identities == who]).mean(0) for who in them.people]
    return F.normalize(torch.stack(own))


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("views", [False, True])
def test_it_comes_nearer_to_a_target_and_leaves_itself(
    norm: str, views: bool, faces: Faces
) -> None:
    cloak, faces = tipim(6, targets=6, norm=norm, views=views), faces.select(torch.arange(6))
    images = cloaked(faces, cloak)
    for f in SURROGATES:
        before, after = (
            torch.cdist(f(x), middles(f, cloak.others)) for x in (faces.images, images)
        )
        assert ((before - after).amax(1) > 0.05).all()
        assert ((f(images) - f(faces.images)).norm(dim=1) > 0.05).all()


def by_hand(faces: Faces, cloak: TipIm) -> tuple[Images, Tensor]:
    """A step towards each of two targets: what it leads to, (2, n, ...), and its gains."""
    home = [f(faces.images) for f in SURROGATES]
    there = [middles(f, cloak.others) for f in SURROGATES]
    moves, gains = [], []
    for target in range(2):
        images = faces.images.clone().requires_grad_()
        goal = sum(
            ((f(images) - own).pow(2).sum(1) - (f(images) - t[target]).pow(2).sum(1)).sum()
            for f, own, t in zip(SURROGATES, home, there, strict=True)
        )
        assert isinstance(goal, Tensor)
        (slope,) = torch.autograd.grad(goal, images)
        moved = (faces.images + EPS * slope.sign()).clamp(0, 1)
        nearest = torch.stack(
            [
                sum(
                    (f(moved) - own).norm(dim=1) - (f(moved) - t[j]).norm(dim=1)
                    for f, own, t in zip(SURROGATES, home, there, strict=True)
                )
                / len(SURROGATES)
                for j in range(2)
            ]
        ).amax(0)
        moves.append(moved)
        gains.append(nearest)
    return torch.stack(moves), torch.stack(gains)


def test_each_picture_takes_the_move_that_gains_most(faces: Faces) -> None:
    """One step, larger than the bound, so that it ends at the bound."""
    cloak = tipim(2, targets=2, steps=1, views=False)
    images = cloaked(faces, cloak)
    moves, gains = by_hand(faces, cloak)
    best = gains.argmax(0)
    assert set(best.tolist()) == {0, 1}, "else this tests nothing"
    expected = moves[best, torch.arange(len(faces))]
    apart = (images - expected).abs().flatten(1)
    assert (apart < 1e-5).float().mean() > 0.999
    unused = moves[1 - best, torch.arange(len(faces))]
    assert ((images - unused).abs().flatten(1).mean(1) > 5 * apart.mean(1)).all()


def test_sums_are_kept_for_each_target(faces: Faces) -> None:
    """With one target there is nothing to choose, and momentum adds up as it does elsewhere."""
    one = faces.select(torch.arange(2))
    with_sum, without = (
        cloaked(one, tipim(1, targets=1, steps=6, momentum=m, views=False)) for m in (1.0, 0.0)
    )
    assert (with_sum - without).abs().mean() > 1e-4


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_other_people_are_an_error(count: int, faces: Faces) -> None:
    with pytest.raises(DatasetError, match=f"tipim can choose its target among {count} other"):
        cloaked(faces, tipim(count, targets=3))


def test_a_person_is_no_target_of_itself(faces: Faces) -> None:
    """As where an adversary cloaks the background, whose people are each other's targets."""
    them = Others(lambda: faces)
    cloak = build(SURROGATES, them, steps=1, targets=3)
    assert cloaked(faces, cloak).shape == faces.images.shape
    with pytest.raises(DatasetError, match="among 3 other people"):
        cloaked(faces, build(SURROGATES, them, steps=1, targets=4))


@pytest.mark.parametrize(
    ("norm", "eps"), [("linf", 4 / 255), ("linf", 0.03), ("l2", 4 / 255), ("l2", 0.03)]
)
def test_no_pixel_moves_by_more_than_its_bound(norm: str, eps: float, faces: Faces) -> None:
    cloak = tipim(3, norm=norm, eps=eps)
    images = cloaked(faces, cloak)
    assert (images - faces.images).abs().max() <= eps + 1e-6
    assert cloak.about.budget.linf == int(eps * 255 + 1e-6) / 255


def test_l2_moves_along_the_gradient_itself(faces: Faces) -> None:
    """So not all pixels go equally far; the step is as long as that of linf."""
    one = faces.select(torch.arange(2))
    by_norm = {
        norm: (cloaked(one, tipim(1, targets=1, steps=50, norm=norm, views=False)) - one.images)
        for norm in ("linf", "l2")
    }
    assert not torch.allclose(by_norm["linf"], by_norm["l2"], atol=0.01)
    sizes = by_norm["l2"].abs().flatten()
    assert sizes.std() > 0.2 * sizes.mean()
