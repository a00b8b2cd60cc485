"""An autoencoder of clean faces: what it cannot reproduce looks cloaked.

The idea is that of MagNet's detector (Meng and Chen 2017, arXiv 1705.09064). It never runs the
tool: it learns from clean pictures alone, and so faces the noise control, too. Ours: the network,
what it is shown (high frequencies, as cloaks are small beside a face's shapes), and all numbers.
"""

from __future__ import annotations

from torch import Generator, Tensor, nn

from adversaries.parts.detectors.classifier import mirrored, residual, start
from adversaries.parts.detectors.lesson import Lesson, Looking
from adversaries.parts.training import Recipe
from lowkey_core.types import Images
from lowkey_core.work.runtime import device_of

CODE = 12
"""Channels of the code, at a quarter of each side: 12 numbers for 48."""


class Autoencoder(nn.Module):
    """Two strided convolutions to the code, two back. Reproduces what smoothing takes away."""

    def __init__(self, rng: Generator) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(3, 24, 3, 2, 1), nn.ReLU(), nn.Conv2d(24, 48, 3, 2, 1), nn.ReLU()),
            nn.Conv2d(48, CODE, 1),
            *(nn.Conv2d(CODE, 48, 3, 1, 1), nn.ReLU(), nn.Upsample(scale_factor=2)),
            *(nn.Conv2d(48, 24, 3, 1, 1), nn.ReLU(), nn.Conv2d(24, 12, 3, 1, 1)),
            nn.PixelShuffle(2),
        )
        start(self, rng)

    def errors(self, wanted: Images) -> Tensor:
        """(n,): mean squared error. wanted: (n, 3, h, w), what smoothing takes away."""
        wrong: Tensor = self.layers(wanted) - wanted
        return wrong.square().mean((1, 2, 3))

    def suspicion(self, faces: Images) -> Tensor:
        """(n, 1): the logarithm of the error. faces: (n, 3, 112, 112) in [0, 1]."""
        error = self.errors(residual(faces.to(device_of(self))))
        return error.clamp_min(1e-12).log()[:, None]


class Reconstruction:
    """A `Detector`."""

    uses_tool, trains, cards = False, True, ()
    question = "Does it survive detection by reconstruction error?"

    def recipe(self, epochs: int, batch: int) -> Recipe:
        """One pass for each epoch; `batch` pictures make half a step, as of pairs."""
        return Recipe(epochs, 2 * batch, rate=3e-3)

    def learn(self, lesson: Lesson, /) -> Looking:
        """Mean squared error on clean pictures, in every version."""
        shown, count = lesson.shown(residual)
        network = Autoencoder(Generator().manual_seed(lesson.seed)).to(lesson.device)

        def loss(rows: Tensor, rng: Generator) -> Tensor:
            faces = mirrored(shown[rows], rng).flatten(0, 1).to(device_of(network))
            # Relative to what there is to reproduce: pictures with little of it count as much.
            return (network.errors(faces) / faces.square().mean((1, 2, 3)).clamp_min(1e-6)).mean()

        label = "training an autoencoder of clean faces"
        lesson.train(network, loss, count, code=type(self), label=label)
        return Looking(network.suspicion, lesson.work, "looking with an autoencoder")
