"""From photo to template, differentiably, and to the right pixel."""

from __future__ import annotations

import math

import pytest
import torch
from skimage.transform import SimilarityTransform
from torch import Tensor

from lowkey_core.alignment import TEMPLATE, landmarks, similarity, warp


def test_finds_the_astronauts_face(astronaut: Tensor) -> None:
    points = landmarks(astronaut)
    assert points is not None
    x, y = points.mean(0).tolist()
    assert 190 < x < 260
    assert 80 < y < 150


def test_no_face_is_none() -> None:
    assert landmarks(torch.full((1, 3, 100, 100), 0.5)) is None


def test_similarity_is_scikit_images(astronaut: Tensor) -> None:
    points = landmarks(astronaut)
    assert points is not None
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
