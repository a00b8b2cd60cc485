"""Predicts the change that a cloak made: where much of it is found, the picture is cloaked.

The idea of LightShed (USENIX Security 2025): a network learns to give the change of a cloaked
picture, and nothing for a clean one; the size of what it gives is compared with a threshold. Ours:
a small residual network without attention, squared error in place of LightShed's sum of SSIM,
regulariser and L1 (its weights after the first phase could not be found), the encodings that
pictures are shown in, the mean absolute change as the size, and all numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn

from adversaries.parts.detectors.classifier import mirrored, residual, start
from adversaries.parts.detectors.lesson import Lesson, Looking
from adversaries.parts.training import Recipe
from lowkey_core.types import Images
from lowkey_core.work.runtime import device_of

WIDTH, UNITS = 24, 3
SCALE = 20.0
"""Of the change that is predicted: it then has the size of faces' contrasts."""
EPOCHS = 3
"""Of the plan that make one pass over every picture in every version."""


class _Unit(nn.Module):
    """Two convolutions, added to what they are given."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(WIDTH, WIDTH, 3, 1, 1), nn.BatchNorm2d(WIDTH), nn.ReLU()),
            *(nn.Conv2d(WIDTH, WIDTH, 3, 1, 1), nn.BatchNorm2d(WIDTH)),
        )

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = (x + self.layers(x)).relu()
        return added


class Reverse(nn.Module):
    """From a face, and what smoothing takes away of it, to the change."""

    def __init__(self, rng: Generator) -> None:
        super().__init__()
        last = nn.Conv2d(WIDTH, 12, 3, 1, 1)
        self.layers = nn.Sequential(
            *(nn.Conv2d(6, WIDTH, 5, 2, 2), nn.BatchNorm2d(WIDTH), nn.ReLU()),
            *(_Unit() for _ in range(UNITS)),
            *(last, nn.PixelShuffle(2)),
        )
        start(self, rng)
        last.weight.data.zero_()  # it finds nothing at first

    def forward(self, faces: Images) -> Tensor:
        """faces: (n, 3, 112, 112) in [0, 1]. Returns the change times SCALE, of that shape."""
        seen = torch.cat([2 * faces - 1, residual(faces)], 1)
        change: Tensor = self.layers(seen.contiguous(memory_format=torch.channels_last))
        return change

    def suspicion(self, faces: Images) -> Tensor:
        """(n, 1): mean absolute change, in grey levels. faces: as above."""
        change: Tensor = self(faces.to(device_of(self)))
        size: Tensor = 255 / SCALE * change.abs().mean((1, 2, 3))
        return size[:, None]


class Reversal:
    """A `Detector`."""

    uses_tool, trains, cards = True, True, ()
    question = "Does it survive detection by the change that is found in it?"

    def recipe(self, epochs: int, batch: int) -> Recipe:
        """One pass for EPOCHS of the plan."""
        return Recipe(math.ceil(epochs / EPOCHS), batch, rate=3e-3)

    def learn(self, lesson: Lesson, /) -> Looking:
        """Squared error of the change: x' - x for a cloaked picture, both as served; 0 for a clean
        one."""
        pairs, count = lesson.shown()
        network = Reverse(Generator().manual_seed(lesson.seed))
        network.to(memory_format=torch.channels_last).to(lesson.device)

        def loss(rows: Tensor, rng: Generator) -> Tensor:
            shown = mirrored(pairs[rows], rng).to(device_of(network))
            wanted = SCALE * (shown - shown[:, :1])
            error: Tensor = network(shown.flatten(0, 1)) - wanted.flatten(0, 1)
            return error.square().mean()

        label = "training a network that finds changes"
        lesson.train(network, loss, count, code=type(self), label=label)
        return Looking(network.suspicion, lesson.work, "looking for changes")
