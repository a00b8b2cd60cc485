"""Standardised multinomial logistic regression, as the critique's code fits it."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from lowkey_core.recognition.candidates import best, stacked
from lowkey_core.types import Candidates, Embeddings

PROBES = 256


def build() -> type[Linear]:
    """Takes no options."""
    return Linear


class Linear:
    """One weight vector per identity, L2 penalty C = 1, L-BFGS to scikit-learn's tolerance."""

    def __init__(self, gallery: Embeddings, identities: Tensor) -> None:
        self.known = identities.unique()
        rows = gallery.cpu().numpy()
        self.scaler = StandardScaler().fit(rows)
        self.model: LogisticRegression | None = None
        if len(self.known) > 1:  # else there is nothing to separate
            self.model = LogisticRegression(max_iter=200).fit(
                self.scaler.transform(rows), identities.cpu().numpy()
            )

    def search(self, probes: Embeddings, k: int, /) -> Candidates:
        """As `Fitted.search`."""
        k = min(k, len(self.known))
        return stacked((best(self._scores(p), self.known, k) for p in probes.split(PROBES)), k)

    def likeness(self, probes: Embeddings, claimed: Tensor, /) -> Tensor:
        """As `Fitted.likeness`: the margin of the claimed identity."""
        match = claimed.unsqueeze(1) == self.known
        scores = torch.where(match, self._scores(probes), -torch.inf)
        return scores.amax(1) if len(self.known) else scores.new_full((len(probes),), -torch.inf)

    def _scores(self, probes: Embeddings) -> Tensor:
        """(p, c): margins, a column for each identity in ascending order."""
        if self.model is None:
            return torch.zeros(len(probes), len(self.known))
        margin = self.model.decision_function(self.scaler.transform(probes.cpu().numpy()))
        if len(self.known) == 2:  # scikit-learn gives the second one's margin only
            margin = np.stack([-margin, margin], 1)
        return torch.from_numpy(margin)
