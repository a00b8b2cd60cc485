"""How the painter learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lowkey_core.drawing import IDENTITY, NUISANCE, SIDE
from lowkey_core.embedders import mobilefacenet
from lowkey_core.embedders.mobilefacenet import MobileFaceNet
from lowkey_core.training import portraits
from lowkey_core.training.checkpoints import Checkpoints
from lowkey_core.types import FACE_SIZE, Images
from tests.conftest import TinyNetwork
from tests.lowkey_core.training.examples import seeded


def album(judge: TinyNetwork) -> portraits.Album:
    rng = seeded()
    pixels = torch.randint(0, 256, (6, 3, SIDE, SIDE), generator=rng).to(torch.uint8)
    known = F.normalize(torch.randn(6, 32, generator=rng))
    return portraits.Album(
        pixels,
        torch.randn(6, IDENTITY, generator=rng),
        torch.arange(6) % 3,
        (portraits.Judge(judge, known), portraits.Judge(judge, known, weight=2)),
    )


def test_a_painter_learns_by_steps_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of copying, a step under the judges' eyes."""
    judge, losses = TinyNetwork(), []
    known, loss = album(judge), portraits._loss

    def features(faces: Images) -> tuple[list[Tensor], Tensor]:
        return [F.avg_pool2d(faces, 8)], judge(faces)

    def noted(*given: Any) -> Tensor:
        losses.append(loss(*given))
        return losses[-1]

    monkeypatch.setattr(portraits, "_loss", noted)
    course = portraits.Course(sketching=1, steps=2)
    kept = Checkpoints(tmp_path / "x.ckpt", str(course))
    painter, (means, spreads) = portraits.train(known, features, course, kept)
    assert len(losses) == 2
    assert all(found.isfinite() for found in losses)
    assert means.shape == spreads.shape == (6, NUISANCE)
    again, (same, _) = portraits.train(known, features, course, kept)
    assert len(losses) == 2, "nothing was left to learn"
    assert all(map(torch.equal, painter.state_dict().values(), again.state_dict().values()))
    assert torch.equal(means, same)


def test_an_encoder_says_how_a_portrait_is_seen() -> None:
    with torch.no_grad():
        mean, spread = portraits.Encoder()(torch.rand(2, 3, SIDE, SIDE))
    assert mean.shape == spread.shape == (2, NUISANCE)
    assert spread.min() >= -8
    assert spread.max() <= 4


@torch.no_grad()
def test_inner_layers_end_in_what_the_network_says() -> None:
    network = MobileFaceNet(mobilefacenet.CARDS["ms1m"], prelu=False).eval()
    faces = torch.rand(2, 3, FACE_SIZE, FACE_SIZE)
    layers, embeddings = portraits.inner_layers(network)(faces)
    assert torch.allclose(embeddings, network(faces), atol=1e-5)
    assert len(layers) == 2


def test_how_alike_a_crowd_is() -> None:
    rows = F.normalize(torch.randn(7, 5, generator=seeded())).double()
    cosines = rows @ rows.T
    expected = cosines[~torch.eye(7, dtype=torch.bool)].mean()
    assert portraits._alike(rows).item() == pytest.approx(expected.item())
