"""From embeddings to names: who in the gallery does a probe look most like?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from lowkey_core.types import Embeddings, Matcher

Score = Callable[[Embeddings], Tensor]


def nearest(gallery: Embeddings, identities: Tensor) -> Score:
    """1-NN: an identity's score is the cosine similarity of its most similar picture."""
    known, column = identities.unique(return_inverse=True)

    def score(probes: Embeddings) -> Tensor:
        similarity = probes @ gallery.T
        best = similarity.new_full((len(probes), len(known)), -torch.inf)
        return best.scatter_reduce(1, column.expand_as(similarity), similarity, "amax")

    return score


def linear(gallery: Embeddings, identities: Tensor) -> Score:
    """Standardised multinomial logistic regression, as the critique's code fits it.

    One weight vector per identity, L2 penalty C = 1, L-BFGS to scikit-learn's tolerance.
    """
    scaler = StandardScaler().fit(gallery.numpy())
    known = identities.unique()
    if len(known) < 2:  # nothing to separate
        return lambda probes: torch.zeros(len(probes), len(known))
    model = LogisticRegression(max_iter=200).fit(
        scaler.transform(gallery.numpy()), identities.numpy()
    )

    def score(probes: Embeddings) -> Tensor:
        margin = model.decision_function(scaler.transform(probes.numpy()))
        if len(known) == 2:  # scikit-learn gives the second one's margin only
            margin = np.stack([-margin, margin], 1)
        return torch.from_numpy(margin)

    return score


MATCHERS: dict[str, Matcher] = {"nn": nearest, "linear": linear}
"""By their names on the command line."""


NOT_ENROLLED = 2**31 - 1
"""A rank behind every rank."""


def ranking(scores: Tensor, known: Tensor) -> Tensor:
    """Identities by score. scores: (p, c); known: (c,) int64. Returns (p, c) int64, best first."""
    return known[scores.argsort(dim=1, descending=True, stable=True)]


def ranks_of(identified: Tensor, identities: Tensor) -> Tensor:
    """Each probe's rank of its own identity, from 1; NOT_ENROLLED if nobody knows it.

    identified: (p, c) int64, best first. identities: (p,) int64. Returns (p,) int64.
    """
    found = identified == identities.unsqueeze(1)
    better = (found.cumsum(1) == 0).sum(1)
    return torch.where(found.any(1), better + 1, NOT_ENROLLED)
