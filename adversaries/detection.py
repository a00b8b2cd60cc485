"""Flags cloaked pictures before enrolling (the critique, Section 4.4).

`detection:classifier` trains a small network on the high frequencies of clean and cloaked
pictures of 25 background identities, as published and re-encoded: a detector that has never
seen JPEG misses most cloaks after it. Its threshold is set on other background identities.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from adversaries import Enrol, FeatureEnrol, Recogniser, ThreatModel, cloaked_seen
from adversaries._training import Recipe, train
from lowkey_core import transforms
from lowkey_core.alignment import warp
from lowkey_core.cache import Work, fingerprint
from lowkey_core.embedders import FlipAveraged
from lowkey_core.perceptual import smooth
from lowkey_core.types import Faces, Images, Pictures

MEMBERS = ("classifier",)

IDENTITIES = 25
"""Background identities the detector learns from, as in the critique."""
VERSIONS = ("none", "jpeg:90", "jpeg:75", "jpeg:50", "jpeg:30")
"""What has become of a picture before the detector sees it."""
FALSE_ALARMS = 0.02
"""Share of clean pictures flagged where the threshold is set."""


def build(
    member: str, work: Work, epochs: int = 20, flagged: Literal["drop", "keep"] = "drop"
) -> Detection:
    """flagged: whether pictures judged cloaked are left out of the gallery, or only counted."""
    del member  # there is one so far
    return Detection(work, Recipe(epochs), flagged)


class Residual(nn.Module):
    """Three convolutions on what smoothing takes away; one number, higher is more cloaked."""

    def __init__(self, rng: Generator) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(64, 1),
        )
        for parameter in self.parameters():  # He initialisation, from our generator
            fan_in = parameter[0].numel()
            std = (2 / fan_in) ** 0.5 if parameter.ndim > 1 else 0.0
            parameter.data = torch.randn(parameter.shape, generator=rng) * std

    def forward(self, faces: Images) -> Tensor:
        """faces: (n, 3, 112, 112) in [0, 1]. Returns (n, 1)."""
        return self.layers(4 * (faces - smooth(faces, 7, 3.0)))  # type: ignore[no-any-return]


class Detection:
    """Learns what the cloak's traces look like."""

    def __init__(self, work: Work, recipe: Recipe, flagged: Literal["drop", "keep"]) -> None:
        self.work, self.recipe, self.flagged = work, recipe, flagged

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Enrol:
        """Trains the detector, then sets its threshold on identities it has not seen."""
        background = threat.background
        seen = torch.isin(background.identities, background.identities.unique()[:IDENTITIES])
        own = background.select(seen.nonzero().flatten())
        clean, cloaked = own.images, threat.cloak(own, rng)
        faces, labels = [], []
        for version in VERSIONS:
            transform = transforms.parse(version)
            faces += [warp(transform(images), own.warps) for images in (clean, cloaked)]
            labels += [torch.zeros(len(own)), torch.ones(len(own))]
        pool, label = torch.cat(faces), torch.cat(labels)
        detector = Residual(Generator().manual_seed(rng.initial_seed()))

        def loss(rows: Tensor, rng: Generator) -> Tensor:
            flip = torch.rand(len(rows), generator=rng) < 0.5
            batch = torch.where(flip.view(-1, 1, 1, 1), pool[rows].flip(-1), pool[rows])
            return F.binary_cross_entropy_with_logits(detector(batch)[:, 0], label[rows])

        train(
            detector,
            loss,
            len(pool),
            self.recipe,
            key=fingerprint("detection", pool, label, detector),
            seed=rng.initial_seed(),
            work=self.work,
            label="training the cloak detector",
        )
        detector.requires_grad_(False)
        others = background.select((~seen).nonzero().flatten())
        detector.layers[-1].bias -= self._threshold(detector, others if len(others) else own)
        learned = {
            "pictures": float(len(own)),
            "identities": float(len(own.identities.unique())),
            "cloaked_seen": cloaked_seen(clean, cloaked),
        }
        features = FeatureEnrol(FlipAveraged(threat.embedder), threat.matcher, self.work, learned)
        return DetectingEnrol(features, detector, self.flagged)

    def _threshold(self, detector: Residual, clean: Pictures) -> float:
        """The score that FALSE_ALARMS of these clean pictures exceed, whatever became of them."""
        with torch.no_grad():
            scores = [
                detector(warp(transforms.parse(version)(clean.images), clean.warps))
                for version in VERSIONS
            ]
        return torch.cat(scores).quantile(1 - FALSE_ALARMS).item()


class DetectingEnrol:
    """Looks at every scraped picture before enrolling it."""

    def __init__(
        self, features: FeatureEnrol, detector: Residual, flagged: Literal["drop", "keep"]
    ) -> None:
        self.features, self.detector, self.flagged = features, detector, flagged
        self.learned = features.learned

    def __call__(self, scraped: Faces, /) -> Recogniser:
        """Drops what it flags, if that is its policy."""
        suspicion = self.features.work.per_face(
            "looking for cloaks", self.detector, scraped.images, scraped.digests
        )[:, 0]
        flagged = suspicion > 0
        gallery = scraped.select(~flagged) if self.flagged == "drop" else scraped
        return Recogniser(gallery, self.features.identifier(gallery), flagged, suspicion)
