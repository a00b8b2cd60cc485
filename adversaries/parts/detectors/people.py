"""Defences of ART against poisoned training sets, asked about a gallery, one person at a time.

They look for a minority among the pictures of one class that differs from the others in what a
network makes of it. The class is a person, what the network makes of a picture is its embedding.
Where every picture of a person is cloaked there is no minority: they are blind by design then.

ART's is what scores or splits a person's pictures (1.20.1). Ours: to read it as a score of each
picture; that a person with fewer than ENOUGH pictures in which a face is found, or with equal ones
only, is not suspected; and the threshold. They run no tool and train nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from adversaries.parts.detectors.lesson import Lesson
from lowkey_core.errors import NotPossibleError, setting
from lowkey_core.networks import art
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Pictures
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import shaped
from lowkey_core.work.work import Work

LIBRARIES = ("adversarial-robustness-toolbox", "scikit-learn")
"""Whose results depend on their version."""
ENOUGH = 3
"""Pictures of a person, for one of them to differ from the others."""
Vectors = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


class Defence(Protocol):
    """Of ART."""

    least: float
    """No score is below it."""

    def __call__(self, classifier: Any, x: Vectors, y: Labels, /) -> Scores:
        """classifier: as `around` makes it. x: (n, d) embeddings. y: (n,) from 0 on, their classes.
        Returns (n,), finite: how much each differs from the others of its class."""
        ...


@dataclass(frozen=True)
class PerPerson:
    """A `Look`."""

    recognition: Embedding
    defence: Defence
    work: Work

    def __call__(self, pictures: Pictures, /) -> Tensor:
        """As `Look`."""
        scores = torch.full((len(pictures),), self.defence.least)
        rows = pictures.found.nonzero().flatten()
        if len(rows) < ENOUGH:
            return scores
        embeddings = self.recognition.embed(pictures.select(rows))
        who = pictures.identities[rows]
        key = fingerprint(type(self), self.defence, *map(version, LIBRARIES), embeddings, who)
        make = lambda _: {"scores": self._of_everybody(embeddings.numpy(), who)}  # noqa: E731
        label = "comparing everybody's own pictures"
        (kept,) = self.work.through(label, [key], make, shaped(scores=(torch.float32, len(rows))))
        scores[rows] = kept["scores"]
        return scores

    def _of_everybody(self, embeddings: Vectors, who: Tensor) -> Tensor:
        scores = torch.full((len(who),), self.defence.least)
        for person in who.unique():
            mine = (who == person).nonzero().flatten()
            own = embeddings[mine.numpy()]
            if len(own) >= ENOUGH and len(np.unique(own, axis=0)) >= ENOUGH:
                scores[mine] = torch.from_numpy(self._scores(own)).float()
        return scores

    def _scores(self, own: Vectors) -> Scores:
        """Of one person. ART knows no fewer than two classes: the person is given as both."""
        x, y = np.concatenate([own, own]), np.arange(2).repeat(len(own))
        with art.contained(0):  # ART's clusters start at random
            return self.defence(around(own.shape[1]), x, y)[: len(own)]


def around(dimensions: int) -> Any:
    """A classifier of two for ART's defences, which ask it for nothing but the output of its last
    layer: the embedding that goes in."""
    estimators = art.module("art.estimators.classification.pytorch")
    return estimators.PyTorchClassifier(
        model=nn.Sequential(OrderedDict([(art.EMBEDDING, nn.Identity())])),
        loss=nn.CrossEntropyLoss(),
        input_shape=(dimensions,),
        nb_classes=2,
        preprocessing=None,
        device_type="cpu",
    )


def per_person(lesson: Lesson, defence: Defence) -> PerPerson:
    """Raises: NotPossibleError if the recogniser gives no embeddings, or nobody in the background
    has enough pictures for a threshold."""
    start, clean = lesson.recognition, lesson.clean
    if not isinstance(start, Embedding):
        raise NotPossibleError(
            f"{start.card.name} gives no embeddings",
            expected="a recogniser that is a network",
            remedy=f"name one first with {setting('recogniser')}",
        )
    most = int(clean.select(clean.found).identities.bincount().max()) if len(clean) else 0
    if most < ENOUGH:
        raise NotPossibleError(
            f"the background has at most {most} pictures of a person",
            expected=f"at least {ENOUGH}, for one to differ from the others",
            remedy=f"raise {setting('background_pictures')}",
        )
    return PerPerson(start, defence, lesson.work)
