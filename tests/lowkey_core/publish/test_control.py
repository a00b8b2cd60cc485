"""The noise control changes each published face by as much as the cloak did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator

from lowkey_core.cloaks import Cloak, CloakAbout
from lowkey_core.cloaks.none import Nothing
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.faces.visibility import l2
from lowkey_core.photos.decoding import encode_pixels
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.publish.control import EqualNoise
from lowkey_core.publish.tool import CloakTool
from lowkey_core.types import Faces, Images, Pictures
from lowkey_core.work.cache import Cache
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work
from tests.conftest import frame_at

SCALES = (0.25, 0.5, 1.0, 1.7)
"""Template pixels per photo pixel: from a large photo to one smaller than the template."""


class Darker:
    """A smooth cloak, of which a photo keeps more than of noise."""

    about = CloakAbout()

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        ramp = torch.linspace(0, 24 / 255, 112)
        return (faces.images - ramp).clamp(0, 1)


@pytest.fixture
def photos(tmp_path: Path) -> Pictures:
    items = []
    for i, scale in enumerate(SCALES):
        side = int(140 / scale)
        pixels = np.random.default_rng(i).integers(40, 216, (side, side, 3), dtype=np.uint8)
        content = encode_pixels(pixels, "PNG")
        (tmp_path / f"{i}.png").write_bytes(content)
        warp = torch.tensor([[scale, 0, -9], [0, scale, -13]])
        photo = Photo("", f"{i}.png", tmp_path / f"{i}.png")
        items.append(PhotoPicture(photo, i, digest_of(content), frame_at(warp, (side, side))))
    return Pictures(tuple(items))


def tools(cloak: Cloak, work: Work | None = None) -> tuple[CloakTool, EqualNoise]:
    tool = CloakTool("it", cloak, work or Work())
    return tool, EqualNoise(tool, work or Work())


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def test_noise_has_the_energy_of_the_published_cloak(photos: Pictures) -> None:
    tool, noise = tools(Darker())
    assert noise.name == "noise@it"
    energy, own = (l2(photos.faces(), t(photos, rng()).faces()) for t in (tool, noise))
    assert energy.min() > 1
    assert torch.allclose(own, energy, rtol=0.01)
    assert not torch.allclose(tool(photos, rng()).faces(), noise(photos, rng()).faces(), atol=0.02)


class Inverted:
    """A change beyond what most noise is like: many pixels get as black or white as they can."""

    about = CloakAbout()

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        return faces.images + 0.7 * (1 - 2 * faces.images)


def test_noise_is_as_loud_as_the_loudest_cloak(photos: Pictures) -> None:
    tool, noise = tools(Inverted())
    energy, own = (l2(photos.faces(), t(photos, rng()).faces()) for t in (tool, noise))
    assert torch.allclose(own, energy, rtol=0.01)


def test_what_changes_nothing_has_no_noise(photos: Pictures) -> None:
    assert tools(Nothing())[1](photos, rng()).items == photos.items


def test_noise_depends_on_seed_and_picture_alone(photos: Pictures) -> None:
    _, noise = tools(Darker())
    all_of_them = noise(photos, rng())
    assert noise(photos.select([2]), rng()).digests == all_of_them.digests[2:3]
    assert noise(photos, rng(1)).digests != all_of_them.digests


def test_a_picture_without_a_face_has_no_noise(photos: Pictures) -> None:
    lost = Pictures(tuple(replace(p, frame=None) for p in photos.items))  # type: ignore[type-var]
    tool, noise = tools(Darker())
    assert tool(lost, rng()).items == noise(lost, rng()).items == lost.items


class Cut(Cache):
    """Stops once the cloak of all four pictures, and the noise of the first two, are kept."""

    left = 6

    def put(self, key: str, record: Record) -> None:
        super().put(key, record)
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def test_a_resumed_run_makes_the_rest_and_ends_the_same(photos: Pictures, tmp_path: Path) -> None:
    expected = tools(Darker())[1](photos, rng()).digests
    with pytest.raises(KeyboardInterrupt):
        tools(Darker(), Work(Cut(tmp_path / "cache")))[1](photos, rng())
    shown: list[tuple[str, int]] = []
    resumed = Work(Cache(tmp_path / "cache"), lambda label, done, _: shown.append((label, done)))
    assert tools(Darker(), resumed)[1](photos, rng()).digests == expected
    label = "adding noise of equal energy"
    assert [done for said, done in shown if said == label] == [2, 3, 4]
