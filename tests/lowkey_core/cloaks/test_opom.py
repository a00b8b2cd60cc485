"""OPOM: one person, one mask, away from all that the person can be."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import minimize
from torch import Generator, Tensor

from lowkey_core.cloaks.noise import Noise
from lowkey_core.cloaks.opom import Opom, build, nearest
from lowkey_core.types import Faces, Images
from tests.conftest import TinyNetwork

SURROGATES = (TinyNetwork(1), TinyNetwork(2))
Vector = npt.NDArray[np.float64]


def cloaked(faces: Faces, **options: Any) -> Images:
    return opom(**options)(faces, Generator().manual_seed(0))


def opom(**options: Any) -> Opom:
    return build(SURROGATES, **{"steps": 8, **options})


def masks(faces: Faces, images: Images) -> dict[int, Tensor]:
    """Of each person, once it is checked that the pictures agree wherever none is clipped."""
    change, found = images - faces.images, dict[int, Tensor]()
    for who in faces.identities.unique().tolist():
        own = faces.identities == who
        free = ((images[own] > 0) & (images[own] < 1)).all(0)
        assert free.float().mean() > 0.5
        apart = (change[own].amax(0) - change[own].amin(0))[free]
        assert apart.max() < 1e-6
        found[who] = change[own].mean(0) * free
    return found


@pytest.mark.parametrize("reference", ["convex", "own"])
def test_all_pictures_of_a_person_carry_one_mask(reference: str, faces: Faces) -> None:
    turned = faces.select(torch.randperm(len(faces), generator=Generator().manual_seed(1)))
    found = masks(turned, cloaked(turned, reference=reference))
    assert len(found) == 4
    assert min((found[a] - found[b]).abs().max() for a in found for b in range(a)) > 0.02


def test_a_picture_alone_has_a_mask_of_its_own(faces: Faces) -> None:
    """Every hull is then its own embedding: the references differ in nothing."""
    one = faces.select(torch.tensor([4]))
    ways = [cloaked(one, reference=r) for r in ("convex", "affine", "centre", "own")]
    assert (ways[0] - one.images).abs().max() > 0.02
    for other in ways[1:]:
        assert torch.allclose(ways[0], other, atol=1e-6)


@pytest.mark.parametrize("momentum", [False, True])
def test_it_moves_embeddings_farther_than_noise_of_its_energy(momentum: bool, faces: Faces) -> None:
    cloak = opom(momentum=momentum)
    noisy = Noise(cloak, 0)(faces, Generator().manual_seed(0))
    for f in SURROGATES:
        moved, by_noise = (
            (f(images) - f(faces.images)).norm(dim=1).mean() for images in (cloaked(faces), noisy)
        )
        assert moved > 3 * by_noise


def hull(k: int, d: int, seed: int) -> tuple[Tensor, Tensor]:
    """Points, and embeddings of a person; each of unit length and somewhat alike."""
    rng = Generator().manual_seed(seed)
    middle = F.normalize(torch.randn(d, generator=rng), dim=0)
    own, points = (torch.randn(n, d, generator=rng) / d**0.5 + middle for n in (k, 12))
    return F.normalize(points), F.normalize(own)


def by_solver(point: Vector, own: Vector) -> Vector:
    """The nearest point of the convex hull, by a solver of quadratic programmes."""
    k = len(own)
    solved = minimize(
        lambda w: ((w @ own - point) ** 2).sum(),
        np.full(k, 1 / k),
        jac=lambda w: 2 * own @ (w @ own - point),
        bounds=[(0, 1)] * k,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(k)},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    there: Vector = solved.x @ own
    return there


@pytest.mark.parametrize(("k", "d"), [(2, 8), (6, 8), (10, 32), (10, 512), (30, 512)])
def test_the_nearest_point_of_a_convex_hull(k: int, d: int) -> None:
    points, own = hull(k, d, seed=k)
    found = nearest(points, own, "convex").numpy()
    for point, there in zip(points.double().numpy(), found, strict=True):
        assert np.abs(there - by_solver(point, own.double().numpy())).max() < 1e-3


def test_a_point_of_the_hull_is_its_own_nearest() -> None:
    _, own = hull(6, 32, seed=1)
    inside = torch.rand(5, 6, generator=Generator().manual_seed(2)).softmax(1) @ own
    assert torch.allclose(nearest(inside, own, "convex"), inside, atol=1e-3)
    assert torch.allclose(nearest(own, own, "convex"), own, atol=1e-3)
    twice = torch.cat([own, own])
    assert torch.allclose(nearest(inside, twice, "convex"), inside, atol=1e-3)


@pytest.mark.parametrize(("k", "d"), [(2, 8), (6, 8), (10, 32), (10, 512)])
def test_the_nearest_point_of_the_plane(k: int, d: int) -> None:
    """Least squares with weights that sum to 1: the last of them is 1 minus the others."""
    points, own = hull(k, d, seed=k)
    found = nearest(points, own, "affine").numpy()
    spanned = (own[:-1] - own[-1]).double().numpy().T
    for point, there in zip(points.double().numpy(), found, strict=True):
        last = own[-1].double().numpy()
        weights, *_ = np.linalg.lstsq(spanned, point - last, rcond=None)
        assert np.abs(there - (last + spanned @ weights)).max() < 1e-4


def test_the_centre_is_the_mean_and_one_picture_is_all_there_is() -> None:
    points, own = hull(6, 32, seed=1)
    assert torch.allclose(nearest(points, own, "centre"), own.mean(0).expand(12, -1))
    for kind in ("convex", "affine", "centre"):
        assert torch.equal(nearest(points, own[:1], kind), own[:1].expand(12, -1))


def test_it_leaves_what_the_person_can_be(faces: Faces) -> None:
    """The hull is farther from the cloaked pictures than it is after steps away from oneself."""
    person = faces.select(torch.arange(3))
    far = {}
    for reference in ("convex", "own"):
        images = cloaked(person, steps=30, reference=reference)
        gone = [f(images) - nearest(f(images), f(person.images), "convex") for f in SURROGATES]
        far[reference] = torch.stack(gone).norm(dim=2).mean()
    assert far["convex"] > 0.95 * far["own"]
    clean = [f(person.images) - f(person.images).mean(0) for f in SURROGATES]
    assert far["convex"] > 3 * torch.stack(clean).norm(dim=2).mean()
