"""How well an adversary tells cloaked pictures from clean ones, on identities new to it."""

from __future__ import annotations

import torch

from adversaries import System
from audit.measures import Searches, rate
from audit.outcomes import FLAGGED, Outcome


def build() -> Detection:
    """Takes no options."""
    return Detection()


class Detection:
    """Flags on cloaked pictures, and on clean ones of everybody enrolled."""

    def __call__(
        self, control: System, cloaked: System, searches: Searches, /
    ) -> dict[str, Outcome]:
        """`flagged`: cloaked is the true positive rate per scored person, control the false
        positive rate per enrolled person, value the area under the ROC curve of this trial's
        cloaked pictures against every clean one. Empty where the adversary does not look."""
        if control.suspicion is None or cloaked.suspicion is None:
            return {}
        from sklearn.metrics import roc_auc_score  # its import takes a second

        changed, identities = searches.changed, searches.scraped.identities
        suspicion = torch.cat([control.suspicion, cloaked.suspicion[changed]])
        truth = torch.cat([torch.zeros(len(control.suspicion)), torch.ones(int(changed.sum()))])
        return {
            FLAGGED: Outcome(
                control=rate(control.flagged, identities, searches.scraped.people),
                cloaked=rate(cloaked.flagged[changed], identities[changed], searches.scored),
                value=float(roc_auc_score(truth.numpy(), suspicion.numpy()))
                if changed.any()
                else None,
            )
        }
