"""A network of ImageNet, fine-tuned on clean and cloaked pictures (the critique, Section 4.4).

The critique says no more than that, and that 25 identities were enough: precision and recall
99.8%. Ours: the network (EfficientNet-Lite0, which may be fetched), aligned faces at 112x112, the
encodings that pictures are shown in, and all numbers of the training.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from adversaries.parts.detectors.classifier import mirrored
from adversaries.parts.detectors.lesson import Lesson, Looking
from adversaries.parts.training import Recipe
from lowkey_core.errors import MissingWeightsError, NotPossibleError
from lowkey_core.networks import efficientnet
from lowkey_core.types import Images
from lowkey_core.weights.packaged import EFFICIENTNET
from lowkey_core.work.runtime import device_of

RATE = 1e-3
EPOCHS = 4
"""Of the plan that make one pass over every picture in every version: it learns in few."""


class FineTuned(nn.Module):
    """The network with one output in place of its classes."""

    def __init__(self, network: efficientnet.Lite0) -> None:
        super().__init__()
        self.network = network
        self.network.get_submodule("_fc").requires_grad_(False)  # nothing asks for classes
        self.last = nn.Linear(efficientnet.HEAD, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, faces: Images) -> Tensor:
        """faces: (n, 3, h, w) in [0, 1]. Returns (n, 1), higher is more cloaked."""
        score: Tensor = self.last(self.network.features(faces))
        return score

    def suspicion(self, faces: Images) -> Tensor:
        """Mean score of the face and its mirror image. Shapes as above."""
        faces = faces.to(device_of(self))
        both: Tensor = self(faces) + self(faces.flip(-1))
        return both / 2


class ImageNet:
    """A `Detector`."""

    uses_tool, trains, cards = True, True, (EFFICIENTNET,)
    question = "Does it survive detection by a network of ImageNet?"

    def recipe(self, epochs: int, batch: int) -> Recipe:
        """One pass for EPOCHS of the plan."""
        return Recipe(math.ceil(epochs / EPOCHS), batch, rate=RATE, warm_up=0.1)

    def learn(self, lesson: Lesson, /) -> Looking:
        """Cross-entropy of clean against cloaked; everything is trained.

        Raises: NotPossibleError where the weights are absent, TamperedWeightsError.
        """
        try:
            network = efficientnet.load()
        except MissingWeightsError as error:
            raise NotPossibleError(
                error.got, expected=error.expected, remedy=error.remedy
            ) from None
        detector = FineTuned(network.requires_grad_(True))
        detector.to(memory_format=torch.channels_last).to(lesson.device)
        pairs, count = lesson.shown()

        def loss(rows: Tensor, rng: Generator) -> Tensor:
            device = device_of(detector)
            shown = mirrored(pairs[rows], rng).flatten(0, 1).to(device)
            truth = torch.tensor([0.0, 1], device=device).repeat(len(rows))
            return F.binary_cross_entropy_with_logits(detector(shown)[:, 0], truth)

        label = "fine-tuning a network of ImageNet"
        lesson.train(detector, loss, count, code=type(self), label=label)
        return Looking(detector.suspicion, lesson.work, "looking with a network of ImageNet")
