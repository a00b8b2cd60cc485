"""Averages for MTCNN: PyTorch's own, to the last bit."""

from __future__ import annotations

import gc

import pytest
import torch
import torch.nn.functional as F
from skimage import data
from torch import Tensor

from lowkey_core.faces import pyramid
from lowkey_core.faces.detection import detect
from lowkey_core.faces.pyramid import averaged


def areas(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(pictures, size=size, mode="area")


def refuses(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    raise AssertionError(f"{pictures.shape} was left to the package, for {size}")


def pictures(n: int, channels: int, height: int, width: int) -> Tensor:
    """As MTCNN has them: colours of a pixel beside each other."""
    draw = torch.Generator().manual_seed(height + width)
    shape = (n, height, width, channels)
    return torch.randint(0, 256, shape, generator=draw).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize("scale", [0.6, 0.425, 0.11, 0.02, 1.0])
@pytest.mark.parametrize("shape", [(1, 3, 413, 611), (7, 3, 250, 250), (2, 1, 700, 301)])
def test_an_average_is_the_packages_to_the_last_bit(shape: tuple[int, ...], scale: float) -> None:
    some = pictures(*shape)
    size = (int(shape[2] * scale + 1), int(shape[3] * scale + 1))
    assert torch.equal(averaged(refuses, some, size), areas(some, size))


def test_of_white_too() -> None:
    """Where sums are largest."""
    white = torch.full((1, 1600, 1600, 3), 255.0).permute(0, 3, 1, 2)
    assert torch.equal(averaged(refuses, white, (12, 12)), areas(white, (12, 12)))


def test_what_is_small_or_a_part_or_has_fractions_is_the_packages() -> None:
    part = pictures(1, 3, 500, 500)[..., 50:450]
    for some in (pictures(1, 3, 24, 24), part, pictures(1, 3, 400, 400) / 7):
        with pytest.raises(AssertionError, match="left to the package"):
            averaged(refuses, some, (12, 12))
        assert torch.equal(averaged(areas, some, (12, 12)), areas(some, (12, 12)))


def test_mtcnn_averages_a_photo_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """For every size but those of single faces, which it cuts out."""
    sums, seen = pyramid._sums, list[tuple[int, ...]]()

    def watched(some: Tensor) -> Tensor | None:
        found = sums(some)
        if found is not None:
            seen.append(tuple(some.shape))
        return found

    monkeypatch.setattr(pyramid, "_sums", watched)
    assert len(detect(data.astronaut())) == 1
    assert len(seen) > 5
    assert set(seen) == {(1, 3, 512, 512)}


def test_sums_are_forgotten_with_their_pictures() -> None:
    before = len(pyramid._SUMS)
    some = pictures(1, 3, 400, 400)
    averaged(refuses, some, (40, 40))
    assert len(pyramid._SUMS) == before + 1
    del some
    gc.collect()
    assert len(pyramid._SUMS) == before
