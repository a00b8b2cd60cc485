"""Tiny seeded networks for logic, real faces for truth."""

from __future__ import annotations

import datetime
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audit import presets
from audit.photographs import align
from lowkey_core import datasets
from lowkey_core.content import quantise
from lowkey_core.faces import detection
from lowkey_core.faces.alignment import TEMPLATE
from lowkey_core.faces.found import NOTHING, kept
from lowkey_core.faces.frames import Frame
from lowkey_core.faces.pictures import crops
from lowkey_core.networks import art
from lowkey_core.photos.images import from_pillow
from lowkey_core.types import ARCFACE, FACE_SIZE, Pictures, Pixels
from lowkey_core.weights import ASSETS_VARIABLE, Card
from lowkey_core.work import logs, runtime
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work

runtime.tune()


def pytest_configure(config: pytest.Config) -> None:
    """ART makes its file of settings before several processes would at once."""
    if getattr(config.option, "numprocesses", None):
        art.module("art.config")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    assets = os.environ.get(ASSETS_VARIABLE)
    if assets and (Path(assets) / "lfw-many.tar").is_file():
        return
    reason = f"{ASSETS_VARIABLE} is not set to a folder of real faces and recognisers"
    for item in items:
        if item.get_closest_marker("faces"):  # not the folder of that name
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def _hidden_log() -> Iterator[None]:
    """What one test shows, the next does not."""
    yield
    for name in logs._OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)
        logging.getLogger(name).handlers = []


@pytest.fixture(autouse=True)
def _usual_recognisers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans do not depend on which files somebody has fetched."""
    monkeypatch.setattr(presets, "WHERE_PRESENT", ())


class TinyNetwork(nn.Module):
    """A seeded embedder small enough for hundreds of steps."""

    template = ARCFACE

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        self.conv = nn.Conv2d(3, 8, 7, stride=4)
        self.fc = nn.Linear(8 * 9 * 9, 32)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=rng) * 0.1
        self.requires_grad_(False)
        self.card = Card(
            name=f"tiny{seed}",
            file="",
            sha256="",
            source="this test",
            licence="none",
            released=datetime.date(2022, 1, 1),
            trained_on="nothing",
            lineage=frozenset({f"tiny{seed}"}),
        )

    def forward(self, images: Tensor) -> Tensor:
        x = F.avg_pool2d(torch.relu(self.conv(images - 0.5)), 3)
        return F.normalize(self.fc(x.flatten(1)))


@pytest.fixture
def tiny() -> TinyNetwork:
    return TinyNetwork()


def people(identities: int, pictures: int, seed: int = 0) -> Pictures:
    """Smooth random 'faces': pictures of one identity differ a little, identities a lot."""
    rng = torch.Generator().manual_seed(seed)
    faces = torch.rand(identities, 1, 3, 14, 14, generator=rng)
    views = faces + 0.1 * torch.randn(identities, pictures, 3, 14, 14, generator=rng)
    images = F.interpolate(views.flatten(0, 1), size=112, mode="bicubic", align_corners=False)
    return crops(
        quantise(images),
        torch.arange(identities).repeat_interleave(pictures),
        tuple(f"{i}/{j}" for i in range(identities) for j in range(pictures)),
    )


NO_FACE: Record = {**kept([], np.zeros((112, 112, 3), np.uint8)), "shows": NOTHING}
"""What `found.look_at` keeps of a photo in which nobody is."""


def whole(pixels: Pixels) -> list[Frame]:
    """A face where nobody real is: the middle of the photo, as large as it can be."""
    height, width = pixels.shape[:2]
    scale = min(height, width) / FACE_SIZE
    edge = torch.tensor([(width - FACE_SIZE * scale) / 2, (height - FACE_SIZE * scale) / 2])
    box = torch.cat([edge, edge + FACE_SIZE * scale])
    points = (torch.tensor(TEMPLATE) + 0.5) * scale - 0.5 + edge
    return [Frame.at((height, width), points, box)]


def all_whole(photos: Sequence[Pixels]) -> list[list[Frame]]:
    """In place of `detection.detect_all`."""
    return [whole(pixels) for pixels in photos]


def frame_at(warp: Tensor, size: tuple[int, int]) -> Frame:
    """A made-up face that is at the template after `warp`, (2, 3), in a photo of this size."""
    square = torch.tensor([[0.0, 0], [FACE_SIZE, FACE_SIZE]])
    points = torch.cat([torch.tensor(TEMPLATE), square])
    there = torch.linalg.solve(warp[:, :2], (points - warp[:, 2]).T).T.contiguous()
    return Frame.at(size, there[:5], torch.cat([there[5:].amin(0), there[5:].amax(0)]))


@pytest.fixture
def nobody_real(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faces are taken as found, before and after photos are published: see `whole`."""
    monkeypatch.setattr(detection, "detect_all", all_whole)
    monkeypatch.setattr(detection, "detect_smaller", all_whole)


@pytest.fixture
def pictures() -> Pictures:
    return people(4, 3)


@pytest.fixture(scope="session")
def astronaut() -> Tensor:
    """The one real photograph that ships in a wheel: (1, 3, 512, 512)."""
    from PIL import Image
    from skimage import data

    return from_pillow(Image.fromarray(data.astronaut()))


@pytest.fixture(scope="session")
def faces() -> Pictures:
    """Three pictures each of four real people, aligned."""
    photos = [
        photo
        for mine in list(datasets.load("lfw").by_identity.values())
        if len(mine) >= 10
        for photo in mine[:3]
    ][:12]
    numbers = {who: i for i, who in enumerate(dict.fromkeys(p.identity for p in photos))}
    return align(photos, Work()).pictures(photos, numbers)


@pytest.fixture(scope="session")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set without assets: one real face under seven names, so that every control fails.

    Beside it a plan.toml for the smallest audit of it.
    """
    from PIL import Image
    from skimage import data

    root = tmp_path_factory.mktemp("portraits")
    face = Image.fromarray(data.astronaut()).crop((130, 10, 330, 210)).resize((100, 100))
    for who in range(7):
        (root / "photos" / f"p{who}").mkdir(parents=True)
        for i in range(4):
            shown = face.point([int(v * (0.5 + 0.06 * who)) for v in range(256)] * 3)
            shown.rotate(3 * i - 5).save(root / "photos" / f"p{who}" / f"{i}.png")
    (root / "plan.toml").write_text(f"""
[people]
dataset = "{root}/photos"
protected = 2
probes = 2
gallery = 2
background = 2
background_pictures = 2
others = 2
distractors = 0

[publish]
attacks = ["noise"]
surrogates = ["dlib"]
scenarios = ["all"]

[adversaries]
names = ["oblivious"]
recognisers = ["dlib"]
epochs = 1

[measure]
ranks = [1]
""")
    return root
