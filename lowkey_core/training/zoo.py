"""Trains the zoo's members: small networks that learn from larger ones, and from names.

A student sees what its teacher saw, augmented faces and mixtures of two faces among them, and is
asked for the teacher's embedding (function matching: Beyer et al. 2022, arXiv 2106.05237). Two also
learn to tell the people of the training set apart, one with an angular margin (ArcFace, Deng et al.
2019, equation 3), one with a margin on the cosine (CosFace, Wang et al. 2018, equation 4).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from lowkey_core.training.checkpoints import Checkpoints, falling
from lowkey_core.training.distillation import DistillationSet
from lowkey_core.work.work import Show, silent

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainConfig:
    """How a student learns."""

    steps: int = 3000
    batch: int = 64
    rate: float = 2e-3
    """Of AdamW, at its highest; it falls along half a cosine."""
    decay: float = 0.02
    margin: str = ""
    """"arcface", "cosface", or "": names are not learned."""
    margin_weight: float = 0.02
    low_precision: bool = False
    """Multiply in bfloat16, sum in float32: a third faster where convolutions are wide."""


def train(
    network: nn.Module,
    samples: DistillationSet,
    config: TrainConfig,
    checkpoints: Checkpoints,
    show: Show = silent,
) -> nn.Module:
    """`network`, taught; goes on from the last checkpoint.

    network: (n, 3, 112, 112) float32 in [-1, 1] to (n, d).
    """
    network.to(memory_format=torch.channels_last)
    directions = torch.randn(
        samples.people, samples.targets.shape[1], generator=Generator().manual_seed(0)
    )
    names = nn.Parameter(0.05 * directions)
    groups: list[dict[str, Any]] = [
        {"params": [*network.parameters()]},
        {"params": [names], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, config.rate, weight_decay=config.decay)
    parts = {"network": network, "optimiser": optimiser}
    learned = {"names": names}
    for step in range(checkpoints.resume(parts, learned), config.steps):
        rate = config.rate * min(1, (step + 1) / 100) * falling(step / config.steps)
        for group in optimiser.param_groups:
            group["lr"] = rate
        images, targets, people = samples.batch(step, config.batch)
        network.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=config.low_precision):
            out = network(images)
        embeddings = F.normalize(out.float())
        taught = (1 - (embeddings * targets).sum(1)).mean()
        loss = taught + config.margin_weight * margin_loss(embeddings, names, people, config.margin)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        if (step + 1) % 100 == 0:
            log.info("step %d: cosine to the teacher %.3f", step + 1, 1 - taught.item())
            checkpoints.save(step + 1, parts, learned)
        show("training", step + 1, config.steps)
    checkpoints.save(config.steps, parts, learned)
    return network.eval()


_SCALE = 32.0
_MARGINS: dict[str, Callable[[Tensor], Tensor]] = {
    "arcface": lambda cosine: torch.cos(cosine.clamp(-1 + 1e-6, 1 - 1e-6).acos() + 0.3),
    "cosface": lambda cosine: cosine - 0.25,
}


def margin_loss(embeddings: Tensor, names: Tensor, people: Tensor, margin: str) -> Tensor:
    """Cross-entropy over people, the right one's cosine lowered by the margin.

    embeddings: (n, d), unit norm. names: (p, d). people: (n,) int64, -1 for nobody in particular.
    Returns a scalar, 0 where `margin` is "" or everybody is nobody.
    """
    rows = (people >= 0).nonzero().flatten()
    if not margin or not len(rows):
        return embeddings.new_zeros(())
    cosines = embeddings[rows] @ F.normalize(names).T
    right = F.one_hot(people[rows], len(names)).bool()
    return F.cross_entropy(
        _SCALE * torch.where(right, _MARGINS[margin](cosines), cosines), people[rows]
    )
