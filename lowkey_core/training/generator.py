"""Training of the SynthFaces generator: a variational autoencoder of faces with identity given.

The latent code of a portrait has two parts. The identity is given: a recogniser's embedding of the
picture. The nuisance (pose, light, expression, background) comes from an encoder, and a
Kullback-Leibler term keeps it near a standard normal (Kingma and Welling 2014). To separate the
two, each identity is also generated with the nuisance of other pictures, and identity critics,
which are recognisers, penalise an embedding that is far from that identity's. The critics get
augmented pictures: otherwise the generator learns adversarial patterns that only they respond to.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from lowkey_core.networks.face_generator import NUISANCE, FaceGenerator
from lowkey_core.recognisers.mobilefacenet import MobileFaceNet
from lowkey_core.training.distillation import augment
from lowkey_core.types import Embeddings, Images, Network
from lowkey_core.work.learning import Keep, Part, Schedule, learn, warmed_cosine
from lowkey_core.work.work import Show, silent

log = logging.getLogger(__name__)

_SAVE_EVERY = 200
"""Steps between two checkpoints, and between two lines of the log."""


class Encoder(nn.Module):
    """From a portrait to the mean and log-variance of its nuisance code."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for after in (24, 48, 96, 160, 192):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.GroupNorm(8, after), nn.SiLU()]
            before = after
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(before * 16, 2 * NUISANCE)

    def forward(self, portraits: Images) -> tuple[Tensor, Tensor]:
        """portraits: (n, 3, 128, 128) in [0, 1]. Returns mean and log-variance, (n, 64) each, the
        latter in [-8, 4]."""
        code: Tensor = self.head(self.body(portraits).flatten(1))
        mean, log_variance = code.chunk(2, 1)
        return mean, log_variance.clamp(-8, 4)


@dataclass(frozen=True)
class IdentityCritic:
    """A recogniser that measures whether a generated picture shows the given identity."""

    embed: Network
    embeddings: Embeddings
    """(n, d): those of the training faces."""
    weight: float = 1.0
    """Of its terms in the loss."""


@dataclass(frozen=True)
class TrainConfig:
    """Settings of the training, and weights of the loss's terms."""

    steps: int = 4900
    reconstruction_steps: int = 500
    """Steps at the start without critics: they say nothing useful of blurred pictures."""
    rate: float = 2e-3
    """AdamW's highest learning rate; see `warmed_cosine`."""
    picture_weight: float = 10.0
    """L1 between reconstruction and picture, at full and at a quarter of the resolution."""
    identity_weight: float = 0.7
    """1 - cosine to the given identity, of reconstructions and of the other pictures."""
    similarity_weight: float = 1.4
    """By how much the mean cosine between generated identities exceeds that between the same
    identities' photos: features that all generated pictures share."""
    feature_weight: float = 0.4
    """Distance between inner layers' features of reconstruction and picture."""
    divergence_weight: float = 0.002
    """Kullback-Leibler divergence of the nuisance from a standard normal."""


@dataclass(frozen=True)
class PortraitSet:
    """The training set."""

    portraits: Tensor
    """(n, 3, 128, 128) uint8, the face at template positions, MARGIN pixels in."""
    codes: Tensor
    """(n, 128): the identity code of each, from `prior.codes`."""
    people: Tensor
    """(n,) int64, the identity labels."""
    critics: Sequence[IdentityCritic]
    """One per step, in turn. Reconstructions always use the first one's embeddings."""


def train(
    portrait_set: PortraitSet,
    features: Features,
    config: TrainConfig,
    keep: Keep,
    show: Show = silent,
) -> tuple[FaceGenerator, tuple[Tensor, Tensor]]:
    """Train a generator, resuming at the last checkpoint.

    features: inner layers of a network, for the feature term. Returns the generator with its
    weights averaged over the last steps, and the encoder's means and log-variances of the
    training set, (n, 64) each. Raises: CheckpointError, StorageError.
    """
    generator = FaceGenerator(portrait_set.portraits.float().mean(0, keepdim=True) / 255)
    averaged, encoder = copy.deepcopy(generator), Encoder()
    for network in (generator, encoder):
        network.to(memory_format=torch.channels_last)

    def loss(step: int) -> Tensor:
        rng = Generator().manual_seed(step)
        value = _loss(generator, encoder, portrait_set, features, config, step, rng)
        if (step + 1) % _SAVE_EVERY == 0:
            log.info("step %d: loss %.3f", step + 1, value.item())
        return value

    learn(
        {
            "generator": Part(generator, decay=1e-4),
            "averaged": Part(averaged, trained=False),
            "encoder": Part(encoder, decay=1e-4),
        },
        loss,
        Schedule(
            config.steps,
            warmed_cosine(config.rate, config.steps),
            _SAVE_EVERY,
            clip=5.0,
            betas=(0.9, 0.99),
        ),
        keep,
        after=lambda step: _average(averaged, generator, step),
        progress=lambda done: show("training the generator", done, config.steps),
    )
    return averaged.eval(), _encoded(encoder, portrait_set)


def _loss(
    generator: FaceGenerator,
    encoder: Encoder,
    portrait_set: PortraitSet,
    features: Features,
    config: TrainConfig,
    step: int,
    rng: Generator,
) -> Tensor:
    copies, others = (32, 0) if step < config.reconstruction_steps else (16, 12)
    rows = torch.randint(len(portrait_set.portraits), (copies,), generator=rng)
    flipped = torch.rand(copies, 1, 1, 1, generator=rng) < 0.5
    pictures = portrait_set.portraits[rows].float() / 255
    pictures = torch.where(flipped, pictures.flip(-1), pictures)
    mean, log_variance = encoder(pictures.contiguous(memory_format=torch.channels_last))
    nuisance = mean + torch.randn(mean.shape, generator=rng) * (log_variance / 2).exp()
    # For the other pictures: half with the nuisance of another picture, half with a random one.
    swapped = nuisance[:others].detach().roll(1, 0)[: others // 2]
    drawn = torch.randn(others - len(swapped), NUISANCE, generator=rng)
    identity = portrait_set.codes[rows]
    with torch.autocast("cpu", torch.bfloat16):
        made = generator(
            torch.cat([identity, identity[:others]]), torch.cat([nuisance, swapped, drawn])
        )
    reconstructed, novel = made.split([copies, others])
    coarse = [F.avg_pool2d(p, 4) for p in (reconstructed, pictures)]
    loss: Tensor = config.picture_weight * (
        (reconstructed - pictures).abs().mean() + (coarse[0] - coarse[1]).abs().mean()
    )
    divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean()
    loss = loss + config.divergence_weight * divergence
    if not others:
        return loss
    few, seed = slice(0, 8), int(torch.randint(2**62, (), generator=rng))
    pair = [augment(p[few], Generator().manual_seed(seed)) for p in (pictures, reconstructed)]
    with torch.no_grad():
        wanted, _ = features(pair[0])
    found, embeddings = features(pair[1])
    feature_distance = sum(
        ((a - b).abs().mean() / b.abs().mean() for a, b in zip(found, wanted, strict=True))
    )
    reconstruction = 1 - (embeddings * portrait_set.critics[0].embeddings[rows[few]]).sum(1)
    critic = portrait_set.critics[step % len(portrait_set.critics)]
    novel_embeddings, known = critic.embed(augment(novel, rng)), critic.embeddings[rows[:others]]
    identity_distance = 1 - (novel_embeddings * known).sum(1)
    crowding = (_mean_cosine(novel_embeddings) - _mean_cosine(known)).clamp(min=0)
    likeness = reconstruction.mean() + critic.weight * identity_distance.mean()
    total: Tensor = (
        loss
        + config.feature_weight * feature_distance
        + config.identity_weight * likeness
        + config.similarity_weight * critic.weight * crowding
    )
    return total


def _mean_cosine(embeddings: Embeddings) -> Tensor:
    """(n, d), unit norm, to the mean cosine between two different rows."""
    count = len(embeddings)
    total: Tensor = embeddings.sum(0).square().sum()
    return (total - count) / (count * (count - 1))


Features = Callable[[Images], tuple[list[Tensor], Embeddings]]
"""From faces (n, 3, 112, 112) in [0, 1] to features of inner layers, and embeddings (n, d)."""


def inner_layers(network: MobileFaceNet) -> Features:
    """Features before the first and after the fifth block of `network`, and its embedding."""

    def features(faces: Images) -> tuple[list[Tensor], Embeddings]:
        x = network.pointwise(network.depthwise(network.stem((faces - network.mean) / network.std)))
        layers = [x]
        for i, block in enumerate(network.blocks):
            x = block(x)
            if i == 4:
                layers.append(x)
        return layers, F.normalize(network.project(network.pool(network.widen(x))).flatten(1))

    return features


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, step: int) -> None:
    """Exponential moving average of the weights, its memory growing to 500 steps."""
    keep = min(0.998, (step + 1) / (step + 20))
    for mean, now in zip(averaged.parameters(), network.parameters(), strict=True):
        mean.lerp_(now, 1 - keep)


@torch.no_grad()
def _encoded(encoder: Encoder, portrait_set: PortraitSet) -> tuple[Tensor, Tensor]:
    """Means and log-variances of the whole training set, (n, 64) each."""
    parts = [encoder(p.float() / 255) for p in portrait_set.portraits.split(64)]
    means, log_variances = zip(*parts, strict=True)
    return torch.cat(means), torch.cat(log_variances)
