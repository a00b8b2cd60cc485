"""Teaches the painter of SynthFaces to draw a given person as seen in a given way.

An autoencoder of faces whose code has two parts: who it is, which is given, a recogniser's
embedding of the picture; and how the person is seen, which an encoder finds and a Kullback-Leibler
price keeps near a standard normal (Kingma and Welling 2014). So that the two come apart, each
person is also drawn as others are seen, and recognisers must still find the person there. They look
at disturbed pictures, for otherwise the painter learns patterns that please them and show nobody.
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
from lowkey_core.training.checkpoints import Checkpoints, falling
from lowkey_core.training.distillation import disturbed
from lowkey_core.types import Embedder, Embeddings, Images
from lowkey_core.work.work import Show, silent

log = logging.getLogger(__name__)

_SAVED_EVERY = 200
"""Steps from one checkpoint to the next."""


class Encoder(nn.Module):
    """From a portrait to the mean and log-variance of how its person is seen."""

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
        """portraits: (n, 3, 128, 128) in [0, 1]. Returns two (n, 64)."""
        code: Tensor = self.head(self.body(portraits).flatten(1))
        mean, spread = code.chunk(2, 1)
        return mean, spread.clamp(-8, 4)


@dataclass(frozen=True)
class IdentityCritic:
    """A recogniser that says whether the right person was drawn."""

    embed: Embedder
    known: Embeddings
    """(n, d): its embeddings of the training faces."""
    weight: float = 1.0


@dataclass(frozen=True)
class TrainConfig:
    """How the painter learns."""

    steps: int = 4900
    sketching: int = 500
    """Steps at the start that only copy pictures: recognisers say nothing useful of a blur."""
    rate: float = 2e-3
    picture_price: float = 10.0
    """Of L1, once at full resolution and once at a quarter of it."""
    likeness_price: float = 0.7
    """Of 1 - cosine, of copies and of people drawn as others are seen."""
    crowd_price: float = 1.4
    """Of how much more alike critics find the drawn people than the same people on their pictures:
    what all drawings have in common is nobody's likeness."""
    feature_price: float = 0.4
    nuisance_price: float = 0.002


@dataclass(frozen=True)
class PortraitSet:
    """What the painter learns from."""

    portraits: Tensor
    """(n, 3, 128, 128) uint8, the face at template positions, MARGIN pixels in."""
    codes: Tensor
    """(n, 128): who is on each, from `codes`."""
    people: Tensor
    """(n,) int64."""
    critics: Sequence[IdentityCritic]
    """Take turns."""


def train(
    portrait_set: PortraitSet,
    features: Features,
    config: TrainConfig,
    checkpoints: Checkpoints,
    show: Show = silent,
) -> tuple[FaceGenerator, tuple[Tensor, Tensor]]:
    """The generator, its weights averaged over the last steps, and how the people of the set are
    seen: means and log-variances, (n, 64) each. Goes on from the last checkpoint.

    features: a network's inner layers, by which copies are compared with their pictures.
    """
    painter = FaceGenerator(portrait_set.portraits.float().mean(0, keepdim=True) / 255)
    averaged, encoder = copy.deepcopy(painter), Encoder()
    for network in (painter, encoder):
        network.to(memory_format=torch.channels_last)
    parameters = [*painter.parameters(), *encoder.parameters()]
    optimiser = torch.optim.AdamW(parameters, config.rate, (0.9, 0.99), weight_decay=1e-4)
    parts = {
        "painter": painter,
        "averaged": averaged,
        "encoder": encoder,
        "optimiser": optimiser,
    }
    for step in range(checkpoints.resume(parts, {}), config.steps):
        for group in optimiser.param_groups:
            group["lr"] = config.rate * min(1, (step + 1) / 100) * falling(step / config.steps)
        rng = Generator().manual_seed(step)
        loss = _loss(painter, encoder, portrait_set, features, config, step, rng)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        _average(averaged, painter, step)
        if (step + 1) % _SAVED_EVERY == 0 or step + 1 == config.steps:
            log.info("step %d: loss %.3f", step + 1, loss.item())
            checkpoints.save(step + 1, parts, {})
        show("learning to paint", step + 1, config.steps)
    return averaged.eval(), _seen(encoder, portrait_set)


def _loss(
    painter: FaceGenerator,
    encoder: Encoder,
    portrait_set: PortraitSet,
    features: Features,
    config: TrainConfig,
    step: int,
    rng: Generator,
) -> Tensor:
    copies, others = (32, 0) if step < config.sketching else (16, 12)
    rows = torch.randint(len(portrait_set.portraits), (copies,), generator=rng)
    flipped = torch.rand(copies, 1, 1, 1, generator=rng) < 0.5
    pictures = portrait_set.portraits[rows].float() / 255
    pictures = torch.where(flipped, pictures.flip(-1), pictures)
    mean, log_variance = encoder(pictures.contiguous(memory_format=torch.channels_last))
    how = mean + torch.randn(mean.shape, generator=rng) * (log_variance / 2).exp()
    # Half as somebody else is seen, half as nobody was.
    elsewhere = how[:others].detach().roll(1, 0)[: others // 2]
    nowhere = torch.randn(others - len(elsewhere), NUISANCE, generator=rng)
    who = portrait_set.codes[rows]
    with torch.autocast("cpu", torch.bfloat16):
        painted = painter(torch.cat([who, who[:others]]), torch.cat([how, elsewhere, nowhere]))
    copied, drawn = painted.split([copies, others])
    coarse = [F.avg_pool2d(p, 4) for p in (copied, pictures)]
    loss: Tensor = config.picture_price * (
        (copied - pictures).abs().mean() + (coarse[0] - coarse[1]).abs().mean()
    )
    nuisance = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean()
    loss = loss + config.nuisance_price * nuisance
    if not others:
        return loss
    few, seed = slice(0, 8), int(torch.randint(2**62, (), generator=rng))
    looks = [disturbed(p[few], Generator().manual_seed(seed)) for p in (pictures, copied)]
    with torch.no_grad():
        wanted, _ = features(looks[0])
    found, embeddings = features(looks[1])
    unlike = sum(
        ((a - b).abs().mean() / b.abs().mean() for a, b in zip(found, wanted, strict=True))
    )
    own = 1 - (embeddings * portrait_set.critics[0].known[rows[few]]).sum(1)
    critic = portrait_set.critics[step % len(portrait_set.critics)]
    named, known = critic.embed(disturbed(drawn, rng)), critic.known[rows[:others]]
    right = 1 - (named * known).sum(1)
    crowded = (_alike(named) - _alike(known)).clamp(min=0)
    total: Tensor = (
        loss
        + config.feature_price * unlike
        + config.likeness_price * (own.mean() + critic.weight * right.mean())
        + config.crowd_price * critic.weight * crowded
    )
    return total


def _alike(embeddings: Embeddings) -> Tensor:
    """The mean cosine of two different rows."""
    count = len(embeddings)
    every: Tensor = embeddings.sum(0).square().sum()
    return (every - count) / (count * (count - 1))


Features = Callable[[Images], tuple[list[Tensor], Embeddings]]
"""From faces to inner layers and embeddings."""


def inner_layers(network: MobileFaceNet) -> Features:
    """The first and the fifth block of `network`, and what it says in the end."""

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
    keep = min(0.998, (step + 1) / (step + 20))
    for mean, now in zip(averaged.parameters(), network.parameters(), strict=True):
        mean.lerp_(now, 1 - keep)


@torch.no_grad()
def _seen(encoder: Encoder, portrait_set: PortraitSet) -> tuple[Tensor, Tensor]:
    parts = [encoder(p.float() / 255) for p in portrait_set.portraits.split(64)]
    means, spreads = zip(*parts, strict=True)
    return torch.cat(means), torch.cat(spreads)
