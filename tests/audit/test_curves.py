"""ROC curves on fixed rates: what is kept of one, and the mean of several."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from audit import curves
from audit.curves import GRID
from audit.outcomes import FLAGGED, MOST_POINTS, Outcome
from audit.pooling import pooled
from audit.report import AuditReport
from tests.audit.plans import changed
from tests.audit.samples import cell, rate, sample


def drawn(seed: int, count: int = 400, gap: float = 1.5) -> tuple[curves.Curve, float]:
    """The curve of two normal scores, and the area under the whole one."""
    rng = np.random.default_rng(seed)
    truth = np.repeat([0, 1], count)
    scores = rng.normal(size=2 * count) + gap * truth
    false, true, _ = roc_curve(truth, scores, drop_intermediate=False)
    return curves.on_grid(false.tolist(), true.tolist()), float(roc_auc_score(truth, scores))


def test_a_curve_is_that_of_the_scores_at_fixed_rates() -> None:
    curve, area = drawn(0)
    false, true = zip(*curve, strict=True)
    assert false == GRID
    assert list(true) == sorted(true)
    assert curve[-1] == (1, 1)
    assert len(curve) <= MOST_POINTS
    assert np.trapezoid(true, false) == pytest.approx(area, abs=0.01)


def test_it_never_promises_more_than_a_threshold_gives() -> None:
    ties = curves.on_grid([0, 0.5, 1], [0.2, 0.6, 1])
    assert dict(ties)[0] == 0.2
    assert dict(ties)[0.1] == dict(ties)[0.45] == 0.2
    assert dict(ties)[0.5] == dict(ties)[0.95] == 0.6


def test_the_mean_of_curves_has_the_mean_of_their_areas() -> None:
    (one, a), (other, b) = drawn(1), drawn(2, gap=0.5)
    false, true = zip(*curves.mean([(one, 3), (other, 1), ((), 5)]), strict=True)
    assert np.trapezoid(true, false) == pytest.approx((3 * a + b) / 4, abs=0.01)
    assert curves.mean([((), 1)]) == ()


def test_curves_on_other_rates_are_left_out_of_a_mean() -> None:
    one = ((0.0, 0.5), (1.0, 1.0))
    assert curves.mean([(one, 1), (((0.5, 0.0), (1.0, 1.0)), 1)]) == one


def test_splits_are_pooled_to_the_mean_curve() -> None:
    def split(seed: int, true: float) -> AuditReport:
        flagged = Outcome(cloaked=rate(4), value=true, curve=((0.0, true), (1.0, 1.0)))
        found = sample(seed=seed)
        own = cell(adversary="detection", more={FLAGGED: flagged})
        return found.model_copy(update={"cells": (*found.cells[:-1], own)})

    report = pooled(changed(sample().plan, seeds=2), [split(0, 0.25), split(1, 0.75)])
    found = next(c for c in report.cells if c.adversary == "detection").outcomes[FLAGGED]
    assert found.curve == ((0.0, 0.5), (1.0, 1.0))


def test_a_report_without_a_curve_is_written_as_before_there_were_any() -> None:
    assert "curve" not in sample().model_dump_json()
    assert "shown" not in sample().model_dump_json()
    with_one = Outcome(curve=((0.0, 0.5), (1.0, 1.0)))
    assert Outcome.model_validate_json(with_one.model_dump_json()) == with_one


@pytest.mark.parametrize("curve", [[[0, 1.1]], [[-0.1, 0]], [[0]], [[0, 0]] * (MOST_POINTS + 1)])
def test_what_is_no_curve_is_refused(curve: object) -> None:
    with pytest.raises(ValueError, match="curve"):
        Outcome.model_validate({"curve": curve})
