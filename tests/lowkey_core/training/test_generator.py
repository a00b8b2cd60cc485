"""How the painter learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from lowkey_core.networks.face_generator import IDENTITY, NUISANCE, SIDE
from lowkey_core.recognisers import mobilefacenet
from lowkey_core.recognisers.mobilefacenet import MobileFaceNet
from lowkey_core.training import generator
from lowkey_core.training.checkpoints import Checkpoints
from lowkey_core.training.distillation import disturbed
from lowkey_core.types import FACE_SIZE, Images
from tests.conftest import TinyNetwork
from tests.lowkey_core.training.examples import seeded


def portrait_set(critic: TinyNetwork) -> generator.PortraitSet:
    rng = seeded()
    pixels = torch.randint(0, 256, (6, 3, SIDE, SIDE), generator=rng).to(torch.uint8)
    known = F.normalize(torch.randn(6, 32, generator=rng))
    return generator.PortraitSet(
        pixels,
        torch.randn(6, IDENTITY, generator=rng),
        torch.arange(6) % 3,
        (
            generator.IdentityCritic(critic, known),
            generator.IdentityCritic(critic, known, weight=2),
        ),
    )


def features(faces: Images) -> tuple[list[Tensor], Tensor]:
    return [F.avg_pool2d(faces, 8)], TinyNetwork()(faces)


class StopHereError(Exception):
    """Stands for a kill at this moment."""


def painted(path: Path | None, stop_after: int | None = None) -> tuple[dict[str, Tensor], Tensor]:
    """The painter after a step of copying and three under the critics' eyes; how faces are seen."""

    def show(label: str, done: int, total: int) -> None:
        if done == stop_after:
            raise StopHereError

    torch.manual_seed(3)
    config = generator.TrainConfig(sketching=1, steps=4)
    kept = Checkpoints(path, str(config))
    painter, (means, spreads) = generator.train(
        portrait_set(TinyNetwork()), features, config, kept, show
    )
    assert means.shape == spreads.shape == (6, NUISANCE)
    return painter.state_dict(), means


def test_an_interrupted_painter_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "_SAVED_EVERY", 2)
    whole, seen = painted(None)
    path = tmp_path / "x.ckpt"
    with pytest.raises(StopHereError):
        painted(path, stop_after=3)
    resumed, same = painted(path)
    assert all(torch.allclose(whole[name], resumed[name], atol=1e-5) for name in whole)
    assert torch.allclose(seen, same, atol=1e-4)
    again, _ = painted(path, stop_after=1)  # nothing is left to learn, so nothing stops it
    assert all(map(torch.equal, resumed.values(), again.values()))


def judged(critic: Callable[[Images], Tensor], **config: float) -> Tensor:
    """The loss of one step under that critic's eyes."""
    torch.manual_seed(3)
    known = portrait_set(TinyNetwork())
    known = replace(known, critics=[generator.IdentityCritic(critic, known.critics[0].known)])
    made = generator.TrainConfig(sketching=0, **config)  # type: ignore[arg-type]
    networks = generator.FaceGenerator(), generator.Encoder()
    return generator._loss(*networks, known, features, made, 1, seeded())


def test_a_crowd_in_which_all_look_alike_costs() -> None:
    def one_face(faces: Images) -> Tensor:
        return F.normalize(faces.mean() + torch.ones(len(faces), 32))

    cheap, dear = (judged(one_face, crowd_price=price).item() for price in (0.0, 2.0))
    assert dear > cheap + 1, "they could not be more alike"


def test_judges_look_at_disturbed_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the copies and their pictures in the same way, or they could not be compared."""
    calls: list[tuple[int, int]] = []

    def noted(images: Images, rng: Generator) -> Images:
        calls.append((len(images), rng.initial_seed()))
        return disturbed(images, rng)

    def critic(faces: Images) -> Tensor:
        assert faces.shape == (12, 3, FACE_SIZE, FACE_SIZE)
        return TinyNetwork()(faces)

    monkeypatch.setattr(generator, "disturbed", noted)
    judged(critic)
    (pictures, seed), (copies, same), (drawn, _) = calls
    assert (pictures, copies, seed) == (8, 8, same)
    assert drawn == 12


def test_an_encoder_says_how_a_portrait_is_seen() -> None:
    with torch.no_grad():
        mean, spread = generator.Encoder()(torch.rand(2, 3, SIDE, SIDE))
    assert mean.shape == spread.shape == (2, NUISANCE)
    assert spread.min() >= -8
    assert spread.max() <= 4


@torch.no_grad()
def test_inner_layers_end_in_what_the_network_says() -> None:
    network = MobileFaceNet(mobilefacenet.CARDS["ms1m"], prelu=False).eval()
    faces = torch.rand(2, 3, FACE_SIZE, FACE_SIZE)
    layers, embeddings = generator.inner_layers(network)(faces)
    assert torch.allclose(embeddings, network(faces), atol=1e-5)
    assert len(layers) == 2


def test_how_alike_a_crowd_is() -> None:
    rows = F.normalize(torch.randn(7, 5, generator=seeded())).double()
    cosines = rows @ rows.T
    expected = cosines[~torch.eye(7, dtype=torch.bool)].mean()
    assert generator._alike(rows).item() == pytest.approx(expected.item())
