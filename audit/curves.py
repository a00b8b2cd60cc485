"""ROC curves on fixed false positive rates, so that those of trials and splits can be averaged.

Never imports torch.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Annotated

from pydantic import Field

Share = Annotated[float, Field(ge=0, le=1)]
Curve = tuple[tuple[Share, Share], ...]
"""Points (false positive rate, true positive rate)."""
GRID = (*(i / 200 for i in range(21)), *(i / 20 for i in range(3, 21)))
"""False positive rates: in steps of 0.005 up to 0.1, where detectors are used, then of 0.05
(ours)."""


def on_grid(false: Sequence[float], true: Sequence[float]) -> Curve:
    """The curve at `GRID`: of each false positive rate the greatest true positive rate of a
    threshold that has no more false positives. false, true: of thresholds, in the order of
    scikit-learn's `roc_curve`, which starts at (0, 0); neither ever falls."""
    return tuple((at, float(true[bisect_right(false, at + 1e-9) - 1])) for at in GRID)


def mean(curves: Iterable[tuple[Curve, float]]) -> Curve:
    """Of curves with weights, the true positive rate's mean at each false positive rate (vertical
    averaging: Fawcett 2006, section 7.1). Empty ones are left out, and so are those that are not
    on the rates of the first."""
    known = [(curve, weight) for curve, weight in curves if curve]
    if not known:
        return ()
    rates = [false for false, _ in known[0][0]]
    same = [(c, w) for c, w in known if [false for false, _ in c] == rates]
    weights = [weight for _, weight in same]
    points = zip(*(curve for curve, _ in same), strict=True)
    return tuple(
        (at, fmean([true for _, true in column], weights))
        for at, column in zip(rates, points, strict=True)
    )
