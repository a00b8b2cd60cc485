"""Flags cloaked pictures before enrolling (the critique, Section 4.4).

`detection:classifier` trains a small network on the high frequencies of clean and cloaked
pictures of 25 background identities, as published and re-encoded: a detector that has never
seen JPEG misses most cloaks after it. A picture and its cloaked copy are always shown together,
in crops of the same place. The threshold is set on other identities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Generator, Tensor, nn

from adversaries import AdversaryAbout, Prepared, System, ThreatModel
from adversaries.parts.enrolment import facts
from adversaries.parts.training import Recipe, Rows, train
from lowkey_core import transforms
from lowkey_core.errors import NotPossibleError, setting
from lowkey_core.faces.visibility import smooth
from lowkey_core.publish.served import served
from lowkey_core.types import FACE_SIZE, Images, Pictures, Recognition
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.runtime import device_of
from lowkey_core.work.work import Work

MEMBERS = ("classifier",)

IDENTITIES = 25
"""Background identities the detector learns from, as in the critique; of a small background
three quarters, as the threshold needs the rest."""
VERSIONS = (
    "none",
    *(f"jpeg:{quality}" for quality in (95, 90, 85, 80, 75, 70, 60, 45, 30)),
)
"""What has become of a picture before the detector sees it."""
CALIBRATION = ("none", "jpeg:75", "jpeg:30")
FALSE_ALARMS = 0.06
"""Share of clean pictures flagged where the threshold is set, over these versions together."""
CROP = 96
PASSES = 2
"""Of an epoch: it has fewer pictures than retraining, and needs as many steps as in version 0.2."""


def build(
    member: str,
    work: Work,
    device: torch.device | None = None,
    epochs: int = 12,
    batch: Annotated[int, Ge(1)] = 16,
    flagged: Literal["drop", "keep"] = "drop",
) -> Detection:
    """epochs: each is PASSES passes over the pictures that it learns from, in every version. batch:
    how many of them make a step, each clean and cloaked. flagged: whether pictures judged cloaked
    are left out of the gallery, or only counted."""
    del member  # there is one so far
    recipe = Recipe(PASSES * epochs, batch, rate=3e-3)
    return Detection(work, recipe, flagged, device or torch.device("cpu"))


def residual(faces: Images) -> Images:
    """What smoothing takes away, enlarged: of the size of faces' contrasts."""
    return (20 * (faces - smooth(faces, 7, 3.0))).contiguous(memory_format=torch.channels_last)


class Residual(nn.Module):
    """Four convolutions on what smoothing takes away; one number, higher is more cloaked."""

    def __init__(self, rng: Generator) -> None:
        super().__init__()
        self.threshold = 0.0
        layers: list[nn.Module] = []
        for before, after, stride in ((3, 16, 1), (16, 32, 2), (32, 64, 2), (64, 64, 2)):
            layers += [nn.Conv2d(before, after, 3, stride, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.layers = nn.Sequential(
            *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 1)
        )
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:  # He initialisation, from our generator
                std = (2 / parameter[0].numel()) ** 0.5
                parameter.data = torch.randn(parameter.shape, generator=rng) * std
            elif name.endswith("bias"):
                parameter.data.zero_()

    def forward(self, faces: Images) -> Tensor:
        """faces: (n, 3, h, w) in [0, 1]. Returns (n, 1)."""
        score: Tensor = self.layers(residual(faces))
        return score

    def suspicion(self, faces: Images) -> Tensor:
        """Mean score of the face and its mirror image, less the threshold. Shapes as above."""
        faces = faces.to(device_of(self))
        both: Tensor = self(faces) + self(faces.flip(-1))
        return both / 2 - self.threshold


class Detection:
    """Learns what the cloak's traces look like."""

    def __init__(
        self,
        work: Work,
        recipe: Recipe,
        flagged: Literal["drop", "keep"],
        device: torch.device = torch.device("cpu"),
    ) -> None:
        self.work, self.recipe, self.flagged, self.device = work, recipe, flagged, device
        done = {"drop": "dropped", "keep": "kept"}[flagged]
        self.about = AdversaryAbout(
            "Does it survive detection?", f"after flagged pictures were {done}"
        )

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Prepared:
        """Trains the detector, then sets its threshold on identities it has not seen.

        Raises: NotPossibleError with fewer than two background identities.
        """
        background = threat.background
        known = background.identities.unique()
        if len(known) < 2:
            raise NotPossibleError(
                f"the background has {len(known)} identity",
                expected="at least 2: some to learn from, others to set the threshold on",
                remedy=f"raise {setting('background')}",
            )
        seen = torch.isin(background.identities, known[: min(IDENTITIES, 3 * len(known) // 4)])
        own = background.select(seen.nonzero().flatten())
        copies = threat.tool(own, rng)
        served_as = [
            [served(pictures, v, transforms.load(v)) for pictures in (own, copies)]
            for v in VERSIONS
        ]

        def pair(row: int) -> Tensor:
            """(2, 3, 112, 112): the residuals of a picture and its cloaked copy, as served."""
            version, picture = divmod(row, len(own))
            return residual(torch.cat([arm.faces(rows=[picture]) for arm in served_as[version]]))

        pairs = Rows(pair, len(own) * len(VERSIONS))
        detector = Residual(Generator().manual_seed(rng.initial_seed()))
        detector.to(memory_format=torch.channels_last).to(self.device)

        def loss(rows: Tensor, rng: Generator) -> Tensor:
            device = device_of(detector)
            top, left = (_offset(rng), _offset(rng))
            shown = pairs[rows][..., top : top + CROP, left : left + CROP]
            flip = torch.rand(len(rows), 1, 1, 1, 1, generator=rng) < 0.5
            shown = torch.where(flip, shown.flip(-1), shown).flatten(0, 1).to(device)
            truth = torch.tensor([0.0, 1], device=device).repeat(len(rows))
            shown = shown.contiguous(memory_format=torch.channels_last)
            return F.binary_cross_entropy_with_logits(detector.layers(shown)[:, 0], truth)

        detector.train()
        train(
            detector,
            loss,
            len(own) * len(VERSIONS),
            self.recipe,
            key=fingerprint(type(self), own.digests, copies.digests, detector, str(self.device)),
            seed=rng.initial_seed(),
            work=self.work,
            label="training the cloak detector",
        )
        detector.eval().requires_grad_(False)
        others = background.select((~seen).nonzero().flatten())
        detector.threshold = self._threshold(detector, others)
        return Detecting(
            threat.recognition, detector, self.flagged, self.work, facts(own, copies, self.work)
        )

    def _threshold(self, detector: Residual, clean: Pictures) -> float:
        """The score that FALSE_ALARMS of these clean pictures exceed, whatever became of them."""
        versions = [served(clean, v, transforms.load(v)) for v in CALIBRATION]
        scores = torch.cat([suspicions(detector, pictures, self.work) for pictures in versions])
        return scores.quantile(1 - FALSE_ALARMS).item()


def suspicions(detector: Residual, pictures: Pictures, work: Work) -> Tensor:
    """(n,): how cloaked each picture looks, above 0 if it is judged cloaked."""
    return work.per_item(
        "looking for cloaks",
        detector.suspicion,
        pictures.digests,
        lambda rows: pictures.faces(rows=rows),
    )[:, 0]


def _offset(rng: Generator) -> int:
    """Where a crop starts."""
    return int(torch.randint(FACE_SIZE - CROP + 1, (), generator=rng))


@dataclass(frozen=True)
class Detecting:
    """Looks at every scraped picture before enrolling it."""

    recognition: Recognition
    detector: Residual
    flagged: Literal["drop", "keep"]
    work: Work
    learned: Mapping[str, float]

    def __call__(self, scraped: Pictures, /) -> System:
        """Drops what it flags, if that is its policy."""
        suspicion = suspicions(self.detector, scraped, self.work)
        flagged = suspicion > 0
        kept = scraped.select(~flagged) if self.flagged == "drop" else scraped
        own = self.recognition
        return System(own.enrol(kept), kept, flagged, suspicion, own)
