"""From photo to template, differentiably, and to the right pixel."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from skimage.transform import SimilarityTransform
from torch import Tensor

from lowkey_core.content import quantise
from lowkey_core.faces import alignment
from lowkey_core.faces.alignment import TEMPLATE, region, similarity, unwarp, warp
from lowkey_core.faces.visibility import smooth


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def test_similarity_is_scikit_images() -> None:
    points = torch.tensor(TEMPLATE) * 3 + torch.randn(5, 2, generator=seeded()) + 40
    theirs = SimilarityTransform.from_estimate(points.numpy(), torch.tensor(TEMPLATE).numpy())
    assert torch.allclose(
        similarity(points).double(), torch.from_numpy(theirs.params[:2]), atol=1e-4
    )


def test_template_points_need_no_warp() -> None:
    expected = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
    assert torch.allclose(similarity(torch.tensor(TEMPLATE)), expected, atol=1e-5)


def test_an_identity_warp_changes_nothing() -> None:
    images = torch.rand(2, 3, 112, 112)
    assert torch.allclose(warp(images, torch.eye(3)[None, :2]), images, atol=1e-4)


@pytest.mark.parametrize("scale", [1.0, 2.0, 0.25])
def test_a_point_of_the_photo_lands_where_the_warp_says(scale: float) -> None:
    """A bright blob, moved, turned and scaled."""
    turn, shift = 0.3, torch.tensor([20.0, -10.0])
    a = scale * torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    target = torch.tensor([60.0, 50.0])
    x, y = torch.linalg.solve(a, target - shift).tolist()
    rows, columns = torch.meshgrid(torch.arange(400.0), torch.arange(400.0), indexing="ij")
    blob = torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (3 / scale) ** 2))
    seen = warp(blob.expand(1, 3, 400, 400), torch.cat([a, shift[:, None]], 1)[None])[0, 0]
    mass = seen / seen.sum()
    at = torch.arange(112.0)
    assert (mass.sum(0) @ at).item() == pytest.approx(60, abs=0.05)
    assert (mass.sum(1) @ at).item() == pytest.approx(50, abs=0.05)


def test_photos_of_different_scale_share_a_batch() -> None:
    photos = torch.rand(2, 3, 300, 300)
    warps = torch.tensor([[[1.0, 0, -50], [0, 1, -50]], [[0.3, 0, 0], [0, 0.3, 0]]])
    together = warp(photos, warps)
    for i in range(2):
        assert torch.allclose(together[i], warp(photos[i : i + 1], warps[i : i + 1])[0], atol=1e-6)


def test_gradients_flow_back_to_the_photo_under_the_face() -> None:
    photo = torch.rand(1, 3, 200, 200, requires_grad=True)
    warp(photo, torch.tensor([[[1.0, 0, -30], [0, 1, -40]]])).sum().backward()
    assert photo.grad is not None
    assert photo.grad[..., 60:140, 60:130].min() > 0.9
    assert photo.grad[..., :38, :].abs().max() == 0


FACES = [(0.25, 0.4, (20.0, -70.0)), (0.8, -0.2, (-60.0, -20.0)), (1.0, 0, (-40.0, -31.0))]


def face(scale: float, turn: float, shift: tuple[float, float]) -> Tensor:
    """(2, 3), photo to template pixels."""
    c, s = scale * math.cos(turn), scale * math.sin(turn)
    return torch.tensor([[c, -s, shift[0]], [s, c, shift[1]]])


@pytest.mark.parametrize("where", FACES)
def test_a_part_of_the_photo_is_enough(where: tuple[float, float, tuple[float, float]]) -> None:
    photo, warps = torch.rand(1, 3, 811, 797, generator=seeded()), face(*where)
    rows, columns, moved = region(warps, 811, 797)
    part = photo[:, :, rows, columns]
    assert part.numel() < photo.numel()
    assert torch.allclose(warp(part, moved[None]), warp(photo, warps[None]), atol=1e-4)


@pytest.mark.parametrize("where", FACES)
def test_a_change_of_the_face_is_carried_into_the_photo(
    where: tuple[float, float, tuple[float, float]],
) -> None:
    """What the aligned face of the changed photo shows, rounding to 8 bits included."""
    photo, warps = torch.rand(1, 3, 800, 800, generator=seeded()) * 0.6 + 0.2, face(*where)
    change = 0.05 * smooth(torch.randn(1, 3, 112, 112, generator=seeded()), 3, 0.7)
    there = unwarp(change, warps, 800, 800)
    shown = warp(quantise(photo + there), warps[None]) - warp(photo, warps[None])
    inside = warp(torch.ones(1, 3, 800, 800), warps[None]) > 0.999
    error = ((shown - change) * inside).norm() / (change * inside).norm()
    assert error < 0.15
    assert there.abs().max() < 3 * change.abs().max()


@pytest.mark.parametrize("scale", [0.9, 0.45, 0.28])
def test_the_change_is_the_least_squares_one_of_the_whole_photo(
    scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After enough rounds nothing is left of its gradient, not even where the photo ends amid
    pixels that are averaged."""
    monkeypatch.setattr(alignment, "_ROUNDS", 60)
    warps, (height, width) = face(scale, 0.05, (30, 20)), (301, 299)
    change = smooth(torch.randn(1, 3, 112, 112, generator=seeded()), 3, 0.7)
    there = unwarp(change, warps, height, width).requires_grad_()
    ridge = 0.01 * float(torch.linalg.det(warps[:, :2]))
    off = (warp(there, warps[None]) - change).pow(2).sum() + ridge * there.pow(2).sum()
    (slope,) = torch.autograd.grad(off, there)
    still = torch.zeros_like(there).requires_grad_()
    (first,) = torch.autograd.grad((warp(still, warps[None]) - change).pow(2).sum(), still)
    assert slope.norm() < 0.002 * first.norm()


def test_a_photo_changes_only_where_the_template_looks() -> None:
    there = unwarp(torch.ones(1, 3, 112, 112), face(1.0, 0.0, (-40, -31)), 300, 300)
    assert there[..., 40:140, 50:140].abs().min() > 0
    there[..., 30:145, 39:153] = 0
    assert there.abs().max() == 0


def test_a_change_is_carried_where_no_gradients_are_kept() -> None:
    """Recognisers cut faces out of cloaked photos in that state."""
    change, where = torch.ones(1, 3, 112, 112), face(1.0, 0.0, (-40, -31))
    with torch.no_grad():
        there = unwarp(change, where, 300, 300)
    assert torch.equal(there, unwarp(change, where, 300, 300))


def test_a_photo_smaller_than_the_template_holds_what_it_can() -> None:
    smooth_change = F.interpolate(torch.rand(1, 3, 7, 7, generator=seeded()) * 0.1, size=112)
    shown = warp(
        unwarp(smooth_change, face(3.0, 0.1, (0, 0)), 60, 60), face(3.0, 0.1, (0, 0))[None]
    )
    correlation = F.cosine_similarity(shown.flatten(), smooth_change.flatten(), 0)
    assert 0.8 < correlation < 1
