"""Training of the zoo's members: small networks distilled from larger recognisers.

A student gets the same pictures as its teacher, augmented and partly mixed in pairs, and learns to
give the teacher's embedding (function matching: Beyer et al. 2022, arXiv 2106.05237). Two members
are also trained to classify the identities of the training set, one with an additive angular margin
(ArcFace, Deng et al. 2019, equation 3), one with a margin on the cosine (CosFace, Wang et al. 2018,
equation 4).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from lowkey_core.training.distillation import DistillationSet
from lowkey_core.work.learning import Keep, Part, Schedule, learn, warmed_cosine
from lowkey_core.work.work import Show, silent

log = logging.getLogger(__name__)

_EVERY = 100
"""Steps between two checkpoints, and between two lines of the log."""


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one student's training."""

    steps: int = 3000
    batch: int = 64
    rate: float = 2e-3
    """AdamW's highest learning rate; see `warmed_cosine`."""
    decay: float = 0.02
    """AdamW's weight decay."""
    margin: str = ""
    """"arcface" or "cosface"; "": identities are not classified."""
    margin_weight: float = 0.02
    """Of the classification loss, against 1 - cosine to the teacher."""
    low_precision: bool = False
    """Multiply in bfloat16, sum in float32: a third faster where convolutions are wide."""


def train(
    network: nn.Module,
    samples: DistillationSet,
    config: TrainConfig,
    keep: Keep,
    show: Show = silent,
) -> nn.Module:
    """Train `network` in place, resuming at its last checkpoint, and return it.

    network: (n, 3, 112, 112) float32 in [-1, 1] to (n, d). Raises: CheckpointError, StorageError.
    """
    network.to(memory_format=torch.channels_last)
    directions = torch.randn(
        samples.people, samples.targets.shape[1], generator=Generator().manual_seed(0)
    )
    prototypes = nn.Parameter(0.05 * directions)
    network.train()

    def loss(step: int) -> Tensor:
        images, targets, people = samples.batch(step, config.batch)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.low_precision):
            out = network(images)
        embeddings = F.normalize(out.float())
        distance = (1 - (embeddings * targets).sum(1)).mean()
        if (step + 1) % _EVERY == 0:
            log.info("step %d: cosine to the teacher %.3f", step + 1, 1 - distance.item())
        margin = margin_loss(embeddings, prototypes, people, config.margin)
        return distance + config.margin_weight * margin

    learn(
        {
            "network": Part(network, decay=config.decay),
            "prototypes": Part(nn.ParameterList([prototypes]), clipped=False),
        },
        loss,
        Schedule(config.steps, warmed_cosine(config.rate, config.steps), _EVERY, clip=5.0),
        keep,
        progress=lambda done: show("training", done, config.steps),
    )
    return network.eval()


_SCALE = 32.0
_MARGINS: dict[str, Callable[[Tensor], Tensor]] = {
    "arcface": lambda cosine: torch.cos(cosine.clamp(-1 + 1e-6, 1 - 1e-6).acos() + 0.3),
    "cosface": lambda cosine: cosine - 0.25,
}


def margin_loss(embeddings: Tensor, prototypes: Tensor, people: Tensor, margin: str) -> Tensor:
    """Cross-entropy over identities, the true one's cosine lowered by the margin.

    embeddings: (n, d), unit norm. prototypes: (p, d), any norm. people: (n,) int64, -1 for a
    mixture of two people, which is left out. Returns a scalar, 0 if `margin` is "" or no row is
    left.
    """
    rows = (people >= 0).nonzero().flatten()
    if not margin or not len(rows):
        return embeddings.new_zeros(())
    cosines = embeddings[rows] @ F.normalize(prototypes).T
    true = F.one_hot(people[rows], len(prototypes)).bool()
    return F.cross_entropy(
        _SCALE * torch.where(true, _MARGINS[margin](cosines), cosines), people[rows]
    )
