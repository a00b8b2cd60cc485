"""What further measures count is in the report and shown; what they cannot count is said."""

from __future__ import annotations

import torch

from audit.further import figures, impossible
from audit.measures import Searches
from audit.measuring import Counting
from audit.outcomes import FOUND, Cell, Outcome, Rate, found_at
from audit.plan import AuditPlan
from audit.pooling import pooled
from audit.report import AuditReport
from audit.run import run_audit
from audit.scenarios import Trial
from lowkey_core.errors import NotPossibleError
from lowkey_core.types import Pictures
from lowkey_core.work.work import Work
from reports.markdown import render
from tests.audit.plans import changed
from tests.audit.samples import PEOPLE, cell, rate, sample

FOUND_AT = found_at("1%")
WHY = "a threshold at 1% is not possible with 3 searches"


def with_figures(
    *, hits: int | Rate = 2, detected: tuple[bool, ...] = (False,) * PEOPLE, seed: int = 0
) -> AuditReport:
    """One cell that counted an open set and a value, and could not verify."""
    after = hits if isinstance(hits, Rate) else rate(hits)
    more = {FOUND_AT: Outcome(control=rate(4), cloaked=after), "depth": Outcome(value=0.25)}
    one = cell(more=more, detected=detected, impossible={"verification": WHY})
    return sample(seed=seed).model_copy(update={"cells": (one,)})


def test_figures_are_what_is_beside_ranks_and_detection() -> None:
    found = {figure.name: figure for figure in figures(with_figures())}
    assert set(found) == {FOUND_AT, "depth"}
    assert found[FOUND_AT].cloaked == rate(2)
    assert found["depth"].value == 0.25
    assert figures(sample()) == ()


def test_who_was_detected_is_neither_found_nor_protected() -> None:
    gone = (True, *(False,) * (PEOPLE - 1))
    report = with_figures(hits=rate(0, *(4,) * (PEOPLE - 1)), detected=gone)
    found = next(f for f in figures(report) if f.name == FOUND_AT)
    assert found.cloaked == Rate(hits=(4,) * (PEOPLE - 1), trials=(4,) * (PEOPLE - 1))


def test_a_report_shows_what_was_counted_and_why_the_rest_was_not() -> None:
    shown = render(with_figures())
    assert FOUND_AT in shown
    assert "0.50 \\[" in shown, "as Markdown escapes it"
    assert "0.250" in shown
    assert f"not possible, because {WHY}" in shown
    assert "What could not be measured" not in render(sample())


def test_a_report_without_the_field_is_read() -> None:
    written = with_figures().model_dump(mode="json")
    for each in written["cells"]:
        del each["impossible"]
    read = AuditReport.model_validate_json(AuditReport.model_validate(written).model_dump_json())
    assert impossible(read) == ()
    assert figures(read) == figures(AuditReport.model_validate(written))


def test_splits_say_which_of_them_could_not_count() -> None:
    one, two = with_figures(), with_figures(seed=1)
    plan = changed(one.plan, seeds=2)
    (gap,) = impossible(pooled(plan, [one, two]))
    assert (gap.measure, gap.why) == ("verification", WHY)
    free = two.model_copy(
        update={"cells": tuple(c.model_copy(update={"impossible": {}}) for c in two.cells)}
    )
    (gap,) = impossible(pooled(plan, [one, free]))
    assert gap.why == f"with seed 0, {WHY}"


def test_who_is_detected_in_one_split_counts_in_the_other() -> None:
    gone = (True, *(False,) * (PEOPLE - 1))
    one, two = with_figures(hits=rate(0, *(4,) * 9), detected=gone), with_figures(hits=4, seed=1)
    (found,) = (
        f for f in figures(pooled(changed(one.plan, seeds=2), [one, two])) if f.name == FOUND_AT
    )
    assert found.cloaked == Rate(hits=(4, *(8,) * 9), trials=(4, *(8,) * 9))


def test_what_cannot_be_counted_in_one_trial_is_counted_in_none() -> None:
    """Rates over some of the people would be no rate over the people."""

    def first_only(_: object, __: object, searches: Searches) -> dict[str, Outcome]:
        if searches.scored == (1,):
            raise NotPossibleError("one", expected="two", remedy="three")
        return {"first": Outcome(value=1.0)}

    def always(_: object, __: object, searches: Searches) -> dict[str, Outcome]:
        return {"always": Outcome(value=float(len(searches.scored)))}

    counting = Counting({"first": first_only, "always": always})  # type: ignore[dict-item]
    nobody = Pictures(())
    for scored in ((0,), (1,), (2, 3)):
        trial = Trial(scored, torch.ones(1).bool())
        asked = Searches(scored, *(nobody,) * 4, trial.cloaked, before=nobody)
        counting.add(trial, {FOUND: Outcome()}, None, None, asked)  # type: ignore[arg-type]
    assert counting.impossible == {"first": "one; expected two; three"}
    assert set(counting.outcomes) == {"face found", "always"}
    assert counting.outcomes["always"].value == (1 + 1 + 2 * 2) / 4, "weighted by people"


def test_an_audit_counts_every_measure_and_says_what_lacks_people(plan: AuditPlan) -> None:
    """Two people of four pictures at most: enough for one rate and too few for the other."""
    quick = changed(
        plan,
        adversary="adaptive",
        recogniser=plan.adversaries.recognisers[0],
        background=3,
        others=2,
        calibration=4,
        measure=("rank-k", "open-set:fpir=0.2", "open-set:fpir=0.01", "verification:fmr=0.05",
                 "residual"),
    )  # fmt: skip
    report = run_audit(quick, Work())
    left = report.counts.calibration_identities
    assert left == 2
    assert report.counts.calibration_pictures == 8
    assert any("asked for to set thresholds on, 2 were left" in c.text for c in report.caveats)
    for each in report.cells:
        assert found_at("20%") in each.outcomes
        assert found_at("1%") not in each.outcomes
        assert "not possible with 8 searches" in each.impossible["open-set:fpir=0.01"]
        assert set(each.impossible) == {"open-set:fpir=0.01"}
        assert _own(each) is not None
    assert "raise calibration" in render(report)


def _own(each: Cell) -> float | None:
    return each.outcomes["cosine of clean pictures to the own clean centroid"].value


def test_an_audit_without_people_for_thresholds_names_the_choice(plan: AuditPlan) -> None:
    quick = changed(
        plan,
        adversary="oblivious",
        recogniser=plan.adversaries.recognisers[0],
        measure=("open-set", "verification"),
    )
    (one, two) = impossible(run_audit(quick, Work()))
    assert (one.cells, one.measure, two.measure) == (one.of, "open-set", "verification")
    assert "not possible with 0 searches" in one.why
    assert "raise calibration" in one.why
    assert "not possible with 0 comparisons" in two.why
