"""How well an adversary tells cloaked pictures from clean ones, on identities new to it."""

from __future__ import annotations

import torch
from torch import Tensor

from adversaries import System
from audit.curves import Curve, on_grid
from audit.measures import Searches, rate
from audit.outcomes import FLAGGED, PRECISION, TPR_AT_1, Outcome, Rate

FEW = 0.01
"""False positive rate at which the true positive rate is told."""


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
        cloaked pictures against every clean one, and the curve. `precision`: of what is flagged,
        how much is cloaked, at equal numbers of cloaked and clean pictures. `tpr at 1% fpr`: the
        true positive rate at the lowest threshold that at most FEW of the clean pictures reach; of
        fewer than 1 / FEW of those, none may. Empty where the adversary does not look."""
        if control.suspicion is None or cloaked.suspicion is None:
            return {}
        changed, identities = searches.changed, searches.scraped.identities
        found = rate(cloaked.flagged[changed], identities[changed], searches.scored)
        false = rate(control.flagged, identities, searches.scraped.people)
        area, at_few, curve = _curve(control.suspicion, cloaked.suspicion[changed])
        return {
            FLAGGED: Outcome(control=false, cloaked=found, value=area, curve=curve),
            PRECISION: Outcome(value=_precision(found, false)),
            TPR_AT_1: Outcome(value=at_few),
        }


def _precision(found: Rate, false: Rate) -> float | None:
    """None where nothing is flagged."""
    tpr, fpr = found.value or 0.0, false.value or 0.0
    return tpr / (tpr + fpr) if tpr + fpr else None


def _curve(clean: Tensor, cloaked: Tensor) -> tuple[float | None, float | None, Curve]:
    """Area under the ROC curve, its height at FEW, and the curve itself; nothing where one of them
    is empty."""
    if not len(clean) or not len(cloaked):
        return None, None, ()
    from sklearn.metrics import roc_auc_score, roc_curve  # its import takes a second

    truth = torch.cat([torch.zeros(len(clean)), torch.ones(len(cloaked))]).numpy()
    suspicion = torch.cat([clean, cloaked]).numpy()
    false, true, _ = roc_curve(truth, suspicion, drop_intermediate=False)
    area, at_few = float(roc_auc_score(truth, suspicion)), float(true[false <= FEW].max())
    return area, at_few, on_grid(false.tolist(), true.tolist())
