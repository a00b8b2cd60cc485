"""Spectral signatures (Tran, Li and Madry 2018, arXiv 1811.00636), as ART has them.

Of a person's embeddings, the direction in which they vary most; a picture's score is the absolute
value of its embedding along it, less the mean. ART projects embeddings as they are, against the
paper's Algorithm 1, and drops a fixed share of each class; so it is given embeddings less their
mean, its cut-off is moved so that it reports the score of every picture, and the threshold is set
on clean background people.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adversaries.parts.detectors.lesson import Lesson
from adversaries.parts.detectors.people import Labels, PerPerson, Scores, Vectors, per_person
from adversaries.parts.training import Recipe
from lowkey_core.networks.art import module


class Signatures:
    """A `Defence`."""

    least = 0.0

    def __call__(self, classifier: Any, x: Vectors, y: Labels, /) -> Scores:
        """As `Defence`."""
        detectors = module("art.defences.detector.poison")
        means = np.stack([x[y == label].mean(0) for label in np.unique(y)])
        apart = x - means[y]
        everything = {"expected_pp_poison": 1.0, "eps_multiplier": 1.0}
        defence = detectors.SpectralSignatureDefense(classifier, apart, y, **everything)
        report, _ = defence.detect_poison()
        return np.array([report[row] for row in range(len(x))], dtype=np.float64)


class Spectral:
    """A `Detector`."""

    uses_tool, trains, cards = False, False, ()
    question = "Does it survive detection by spectral signatures?"

    def recipe(self, epochs: int, batch: int) -> Recipe:
        """Nothing is trained."""
        del epochs
        return Recipe(0, batch)

    def learn(self, lesson: Lesson, /) -> PerPerson:
        """Raises: NotPossibleError."""
        return per_person(lesson, Signatures())
