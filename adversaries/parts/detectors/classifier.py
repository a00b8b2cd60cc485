"""A small network on the high frequencies of clean and cloaked pictures. Ours.

The pictures are as published and re-encoded: a detector that has never seen JPEG misses most cloaks
after it. A picture and its cloaked copy are always shown together, in crops of the same place.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from adversaries.parts.detectors.lesson import Lesson, Looking
from adversaries.parts.training import Recipe
from lowkey_core.faces.visibility import smooth
from lowkey_core.types import FACE_SIZE, Images
from lowkey_core.work.runtime import device_of

CROP = 96
PASSES = 2
"""Of an epoch: it has fewer pictures than retraining, and needs as many steps as in version 0.2."""


def residual(faces: Images) -> Images:
    """What smoothing takes away, enlarged: of the size of faces' contrasts."""
    return (20 * (faces - smooth(faces, 7, 3.0))).contiguous(memory_format=torch.channels_last)


class Residual(nn.Module):
    """Four convolutions on what smoothing takes away; one number, higher is more cloaked."""

    def __init__(self, rng: Generator) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, stride in ((3, 16, 1), (16, 32, 2), (32, 64, 2), (64, 64, 2)):
            layers += [nn.Conv2d(before, after, 3, stride, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.layers = nn.Sequential(
            *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 1)
        )
        start(self, rng)

    def forward(self, faces: Images) -> Tensor:
        """faces: (n, 3, h, w) in [0, 1]. Returns (n, 1)."""
        score: Tensor = self.layers(residual(faces))
        return score

    def suspicion(self, faces: Images) -> Tensor:
        """Mean score of the face and its mirror image. Shapes as above."""
        faces = faces.to(device_of(self))
        both: Tensor = self(faces) + self(faces.flip(-1))
        return both / 2


def start(network: nn.Module, rng: Generator) -> None:
    """He initialisation from our generator, biases at zero; vectors but biases stay as they are."""
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1:
            std = (2 / parameter[0].numel()) ** 0.5
            parameter.data = torch.randn(parameter.shape, generator=rng) * std
        elif name.endswith("bias"):
            parameter.data.zero_()


class Classifier:
    """A `Detector`."""

    uses_tool, trains, cards = True, True, ()
    question = "Does it survive detection?"

    def recipe(self, epochs: int, batch: int) -> Recipe:
        """PASSES for each epoch."""
        return Recipe(PASSES * epochs, batch, rate=3e-3)

    def learn(self, lesson: Lesson, /) -> Looking:
        """Cross-entropy of clean against cloaked."""
        pairs, count = lesson.shown(residual)
        detector = Residual(Generator().manual_seed(lesson.seed))
        detector.to(memory_format=torch.channels_last).to(lesson.device)

        def loss(rows: Tensor, rng: Generator) -> Tensor:
            device = device_of(detector)
            top, left = (_offset(rng), _offset(rng))
            shown = pairs[rows][..., top : top + CROP, left : left + CROP]
            shown = mirrored(shown, rng).flatten(0, 1).to(device)
            truth = torch.tensor([0.0, 1], device=device).repeat(len(rows))
            shown = shown.contiguous(memory_format=torch.channels_last)
            return F.binary_cross_entropy_with_logits(detector.layers(shown)[:, 0], truth)

        label = "training the cloak detector"
        lesson.train(detector, loss, count, code=type(self), label=label)
        return Looking(detector.suspicion, lesson.work)


def mirrored(pairs: Tensor, rng: Generator) -> Tensor:
    """Half of the pairs (b, arms, 3, h, w), chosen at random, as in a mirror."""
    flip = torch.rand(len(pairs), 1, 1, 1, 1, generator=rng) < 0.5
    return torch.where(flip, pairs.flip(-1), pairs)


def _offset(rng: Generator) -> int:
    """Where a crop starts."""
    return int(torch.randint(FACE_SIZE - CROP + 1, (), generator=rng))
