"""Held to scikit-image, piq and the lpips package."""

from __future__ import annotations

import hashlib
from pathlib import Path

import lpips
import numpy as np
import piq
import pytest
import torch
import torchvision
from skimage import metrics
from torch import Tensor

from lowkey_core import weights
from lowkey_core.faces import visibility


@pytest.fixture
def pair(astronaut: Tensor) -> tuple[Tensor, Tensor]:
    clean = astronaut[..., 50:210, 150:310]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    return clean, (clean + 0.05 * noise).clamp(0, 1)


def arrays(pair: tuple[Tensor, Tensor]) -> tuple[np.ndarray, np.ndarray]:
    a, b = (x[0].permute(1, 2, 0).double().numpy() for x in pair)
    return a, b


def test_ssim_is_scikit_images(pair: tuple[Tensor, Tensor]) -> None:
    theirs = metrics.structural_similarity(
        *arrays(pair), channel_axis=2, data_range=1, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
    )  # fmt: skip
    assert visibility.ssim(*pair).item() == pytest.approx(theirs, abs=1e-4)


def test_ssim_is_piqs(pair: tuple[Tensor, Tensor]) -> None:
    theirs = piq.ssim(*pair, data_range=1.0, downsample=False).item()
    assert visibility.ssim(*pair).item() == pytest.approx(theirs, abs=1e-4)


def test_psnr_is_scikit_images(pair: tuple[Tensor, Tensor]) -> None:
    theirs = metrics.peak_signal_noise_ratio(*arrays(pair), data_range=1)
    assert visibility.psnr(*pair).item() == pytest.approx(theirs, abs=1e-3)


def test_equal_pictures_do_not_differ(pair: tuple[Tensor, Tensor]) -> None:
    clean = pair[0]
    for distance in (visibility.dssim, visibility.l2, visibility.linf):
        assert distance(clean, clean).abs().item() < 1e-6
    assert visibility.psnr(clean, clean).item() == torch.inf


def test_norms_are_numpys(pair: tuple[Tensor, Tensor]) -> None:
    a, b = arrays(pair)
    assert visibility.l2(*pair).item() == pytest.approx(np.linalg.norm((a - b).ravel()), rel=1e-4)
    assert visibility.linf(*pair).item() == pytest.approx(np.abs(a - b).max(), rel=1e-5)


def test_pictures_are_measured_one_by_one(pair: tuple[Tensor, Tensor]) -> None:
    clean, noisy = pair
    mixed = visibility.dssim(torch.cat([clean, clean]), torch.cat([clean, noisy]))
    assert mixed[0].abs() < 1e-6
    assert mixed[1] == pytest.approx(visibility.dssim(clean, noisy).item(), abs=1e-6)


@pytest.fixture
def trunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """A seeded AlexNet under the trunk's name, with a card that expects it."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = torchvision.models.alexnet(weights=None).state_dict()
    (tmp_path / "weights").mkdir()
    file = tmp_path / "weights" / visibility.TRUNK.file
    torch.save(state, file)
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    card = {**vars(visibility.TRUNK), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    monkeypatch.setattr(visibility, "TRUNK", weights.Card(**card))
    return dict(state)


def test_lpips_is_the_packages(trunk: dict[str, Tensor], pair: tuple[Tensor, Tensor]) -> None:
    package = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False).eval()
    slices = iter([v for k, v in trunk.items() if k.startswith("features.")])
    package.net.load_state_dict({k: next(slices) for k in package.net.state_dict()})
    theirs = package(*pair, normalize=True).item()
    ours = visibility.if_present(visibility.Lpips)
    assert ours is not None
    assert theirs > 0
    assert ours(*pair).item() == pytest.approx(theirs, rel=1e-4)


def test_without_its_trunk_there_is_no_lpips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    assert visibility.if_present(visibility.Lpips) is None
