"""Activation clustering (Chen et al. 2018, arXiv 1811.03728), as ART has it.

ART splits a person's embeddings in two (PCA, k-means). Ours: the score of a picture is the split's
silhouette times 1 - 2 s, with s the share of the picture's half: the smaller half of a clear split
is suspected most. ART rates splits by size and silhouette, too, but yes or no, and raises where a
small half is not clear. As many principal components as the pictures allow, at most ART's 10.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adversaries.parts.detectors.lesson import Lesson
from adversaries.parts.detectors.people import Labels, PerPerson, Scores, Vectors, per_person
from adversaries.parts.training import Recipe
from lowkey_core.networks.art import module

COMPONENTS = 10
"""ART's default."""


class Clusters:
    """A `Defence`."""

    least = -1.0

    def __call__(self, classifier: Any, x: Vectors, y: Labels, /) -> Scores:
        """As `Defence`."""
        from sklearn.metrics import silhouette_score  # its import takes a second

        detectors = module("art.defences.detector.poison")
        defence = detectors.ActivationDefence(classifier, x, y)
        components = min(COMPONENTS, int(np.bincount(y).min()) - 1)
        split = defence.cluster_activations(nb_clusters=2, nb_dims=components, reduce="PCA")
        scores = np.zeros(len(x))
        for label, (halves, reduced) in enumerate(zip(*split, strict=True)):
            share = np.bincount(halves)[halves] / len(halves)
            scores[y == label] = silhouette_score(reduced, halves) * (1 - 2 * share)
        return scores


class Activation:
    """A `Detector`."""

    uses_tool, trains, cards = False, False, ()
    question = "Does it survive detection by activation clustering?"

    def recipe(self, epochs: int, batch: int) -> Recipe:
        """Nothing is trained."""
        del epochs
        return Recipe(0, batch)

    def learn(self, lesson: Lesson, /) -> PerPerson:
        """Raises: NotPossibleError."""
        return per_person(lesson, Clusters())
