"""Small students, samples and faces for the tests of training."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from lowkey_core.training.distillation import MIXTURE, DistillationSet
from lowkey_core.training.faces import ROOM, TrainingFaces
from lowkey_core.types import FACE_SIZE


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


class Student(nn.Module):
    """A tiny network with batch norm, whose running means a checkpoint must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.fc = nn.Conv2d(3, 4, 7, 7), nn.BatchNorm2d(4), nn.Linear(4, 8)
        for parameter in self.parameters():
            parameter.data = 0.3 * torch.randn(parameter.shape, generator=seeded())

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc(self.norm(self.conv(x)).mean((2, 3)))
        return out


def distillation_set(count: int = 12, people: int = 4, seed: int = 0) -> DistillationSet:
    """Random samples; identities in turn, the last sample is a mixture."""
    rng = seeded(seed)
    pixels = torch.randint(0, 256, (count, 3, FACE_SIZE, FACE_SIZE), generator=rng)
    identities = torch.arange(count) % people
    identities[-1] = MIXTURE
    targets = F.normalize(torch.randn(count, 8, generator=rng))
    return DistillationSet(pixels.to(torch.uint8), targets, identities)


def training_faces(count: int, people: int = 4) -> TrainingFaces:
    side = FACE_SIZE + 2 * ROOM
    pixels = torch.randint(0, 256, (count, 3, side, side), generator=seeded())
    return TrainingFaces(pixels.to(torch.uint8), torch.arange(count) % people)
