"""ST-LPIPS: its values are those of its authors' package, its network is ours."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from lowkey_core import weights
from lowkey_core.errors import MissingWeightsError, TamperedWeightsError
from lowkey_core.faces import st_lpips
from lowkey_core.faces.visibility import if_present
from lowkey_core.photos.images import encode, from_pillow
from tests.lowkey_core.faces.learned import seeded, seeded_state

needs_weights = pytest.mark.skipif(
    not weights.home(st_lpips.ST_LPIPS).is_file(),
    reason="`models fetch st-lpips:alexnet` gets the weights of ST-LPIPS",
)
PACKAGE = {
    "noise of 4 grey levels": 0.0051889,
    "noise of 8 grey levels": 0.0497659,
    "noise of 16 grey levels": 0.2663775,
    "shifted by a pixel": 0.0046313,
    "mirrored": 0.1848215,
    "a tenth darker": 0.0120274,
    "JPEG of quality 75": 0.0081052,
    "JPEG of quality 30": 0.0136580,
}
"""What stlpips_pytorch 0.0.2 gives, shift-tolerant AlexNet, for the astronaut's face at 112 px."""


def changed(whole: Tensor, how: str) -> Tensor:
    face = whole[..., 40:152, 170:282]
    match how.split():
        case "noise", "of", levels, *_:
            noise = torch.randn(face.shape, generator=torch.Generator().manual_seed(0))
            return (face + noise * int(levels) / 255).clamp(0, 1)
        case "shifted", *_:
            return whole[..., 40:152, 171:283]
        case "mirrored", *_:
            return face.flip(-1)
        case "JPEG", "of", "quality", quality:
            file = io.BytesIO()
            Image.open(io.BytesIO(encode(face, "PNG"))).save(file, "JPEG", quality=int(quality))
            return from_pillow(Image.open(file).convert("RGB"))
        case _:
            return face * 0.9


@needs_weights
@pytest.mark.parametrize("how", PACKAGE)
def test_it_gives_the_packages_values(how: str, astronaut: Tensor) -> None:
    found = st_lpips.load()(astronaut[..., 40:152, 170:282], changed(astronaut, how))
    assert found.item() == pytest.approx(PACKAGE[how], rel=1e-3)


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    images = torch.rand(4, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    return images[:2], images[2:]


def test_equal_pictures_do_not_differ_and_others_do(pair: tuple[Tensor, Tensor]) -> None:
    metric, (a, b) = seeded(), pair
    assert metric(a, a).abs().max() == 0
    assert metric(a, b).min() > 0
    assert torch.allclose(metric(a, b), metric(b, a))


def test_pictures_are_measured_one_by_one(pair: tuple[Tensor, Tensor]) -> None:
    metric, (a, b) = seeded(), pair
    singles = torch.cat([metric(x, y) for x, y in zip(a.split(1), b.split(1), strict=True)])
    assert torch.allclose(metric(a, b), singles, rtol=1e-4)


def test_a_gradient_is_finite_even_where_nothing_differs() -> None:
    black = torch.zeros(1, 3, 48, 48)
    image = black.clone().requires_grad_()
    seeded().from_reference(black)(image).sum().backward()
    assert image.grad is not None
    assert image.grad.isfinite().all()


def test_pictures_have_sides_of_21_at_least() -> None:
    metric = seeded()
    least = torch.zeros(1, 3, 21, 21)
    assert metric(least, least).shape == (1,)
    with pytest.raises(RuntimeError, match="Padding"):
        metric(least[..., 1:, 1:], least[..., 1:, 1:])


def pinned(state: object, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file holds this, and its card expects it."""
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(folder))
    file = weights.home(st_lpips.ST_LPIPS)
    file.parent.mkdir(parents=True)
    torch.save(state, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    card = replace(st_lpips.ST_LPIPS, sha256=digest, size=0)
    monkeypatch.setattr(st_lpips, "ST_LPIPS", card)


def test_it_is_read_from_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pair: tuple[Tensor, Tensor]
) -> None:
    pinned(seeded_state(), tmp_path, monkeypatch)
    found = if_present(st_lpips.load)
    assert found is not None
    assert torch.allclose(found(*pair), seeded()(*pair))


def test_a_file_of_another_network_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = seeded_state()
    del state["lin4.model.1.weight"]
    pinned(state, tmp_path, monkeypatch)
    with pytest.raises(TamperedWeightsError, match="does not fit its network"):
        if_present(st_lpips.load)


def test_without_its_file_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    assert if_present(st_lpips.load) is None
    with pytest.raises(MissingWeightsError, match="models fetch st-lpips:alexnet"):
        st_lpips.load()
