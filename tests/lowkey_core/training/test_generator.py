"""Training of the generator: resuming, the terms of the loss, the encoder."""

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
from lowkey_core.training.distillation import augment
from lowkey_core.types import FACE_SIZE, Images
from lowkey_core.work.learning import FileKeep
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


def trained(path: Path | None, stop_after: int | None = None) -> tuple[dict[str, Tensor], Tensor]:
    """Weights after one step without critics and two with them; encoded means of the set."""

    def show(label: str, done: int, total: int) -> None:
        if done == stop_after:
            raise StopHereError

    torch.manual_seed(3)
    config = generator.TrainConfig(reconstruction_steps=1, steps=3)
    keep = FileKeep(path, str(config))
    network, (means, log_variances) = generator.train(
        portrait_set(TinyNetwork()), features, config, keep, show
    )
    assert means.shape == log_variances.shape == (6, NUISANCE)
    return network.state_dict(), means


@pytest.mark.slow
def test_an_interrupted_training_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "_SAVE_EVERY", 2)
    whole, means = trained(None)
    path = tmp_path / "x.ckpt"
    with pytest.raises(StopHereError):
        trained(path, stop_after=2)
    resumed, same = trained(path)
    assert all(torch.allclose(whole[name], resumed[name], atol=1e-5) for name in whole)
    assert torch.allclose(means, same, atol=1e-4)
    again, _ = trained(path, stop_after=1)  # it was finished, so no step is left at which to stop
    assert all(map(torch.equal, resumed.values(), again.values()))


def loss_with(critic: Callable[[Images], Tensor], **config: float) -> Tensor:
    """The loss of one step with that critic."""
    torch.manual_seed(3)
    known = portrait_set(TinyNetwork())
    known = replace(known, critics=[generator.IdentityCritic(critic, known.critics[0].embeddings)])
    made = generator.TrainConfig(reconstruction_steps=0, **config)  # type: ignore[arg-type]
    networks = generator.FaceGenerator(), generator.Encoder()
    return generator._loss(*networks, known, features, made, 1, seeded())


def test_similar_embeddings_of_all_identities_are_penalised() -> None:
    def one_face(faces: Images) -> Tensor:
        return F.normalize(faces.mean() + torch.ones(len(faces), 32))

    without, penalised = (loss_with(one_face, similarity_weight=p).item() for p in (0.0, 2.0))
    assert penalised > without + 1, "all cosines are 1"


def test_critics_get_augmented_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconstructions and their pictures augmented alike, so that they can be compared."""
    calls: list[tuple[int, int]] = []

    def noted(images: Images, rng: Generator) -> Images:
        calls.append((len(images), rng.initial_seed()))
        return augment(images, rng)

    def critic(faces: Images) -> Tensor:
        assert faces.shape == (12, 3, FACE_SIZE, FACE_SIZE)
        return TinyNetwork()(faces)

    monkeypatch.setattr(generator, "augment", noted)
    loss_with(critic)
    (pictures, seed), (copies, same), (others, _) = calls
    assert (pictures, copies, seed) == (8, 8, same)
    assert others == 12


def test_an_encoder_gives_mean_and_bounded_log_variance() -> None:
    with torch.no_grad():
        mean, log_variance = generator.Encoder()(torch.rand(2, 3, SIDE, SIDE))
    assert mean.shape == log_variance.shape == (2, NUISANCE)
    assert log_variance.min() >= -8
    assert log_variance.max() <= 4


@torch.no_grad()
def test_inner_layers_come_with_the_embedding() -> None:
    network = MobileFaceNet(mobilefacenet.CARDS["ms1m"], mobilefacenet.LAYOUTS["ms1m"]).eval()
    faces = torch.rand(2, 3, FACE_SIZE, FACE_SIZE)
    layers, embeddings = generator.inner_layers(network)(faces)
    assert torch.allclose(embeddings, network(faces), atol=1e-5)
    assert len(layers) == 2


def test_the_mean_cosine_leaves_out_the_diagonal() -> None:
    rows = F.normalize(torch.randn(7, 5, generator=seeded())).double()
    cosines = rows @ rows.T
    expected = cosines[~torch.eye(7, dtype=torch.bool)].mean()
    assert generator._mean_cosine(rows).item() == pytest.approx(expected.item())
