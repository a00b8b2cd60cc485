"""Splits of the people are pooled by identity, and nothing in the sum flatters a cloak."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from audit.outcomes import DETECTED, FLAGGED, Cell, Outcome, Rate
from audit.plan import AuditPlan
from audit.pooling import pooled
from audit.records import Copies
from audit.report import AuditReport
from tests.audit.plans import changed
from tests.audit.samples import (
    CLOAK,
    COUNTS,
    NAMES,
    PEOPLE,
    PROBES,
    QUALITY,
    cell,
    rate,
    sample,
)

OTHERS = (NAMES[-1], *(f"other {i}" for i in range(PEOPLE - 1)))
"""Another split's people: Jim, who is the last of `NAMES`, and nine more."""
EVERYBODY = (*NAMES, *OTHERS[1:])


def both(*reports: AuditReport) -> AuditReport:
    seeds = [r.plan.people.seed for r in reports]
    return pooled(changed(reports[0].plan, seed=seeds[0], seeds=len(seeds)), reports)


def named(report: AuditReport, who: Sequence[str] = ()) -> AuditReport:
    """With names for everybody enrolled: the protected people, and as many more as are counted."""
    strangers = [f"stranger {i}" for i in range(report.counts.enrolled - len(report.people))]
    return report.model_copy(update={"enrolled": tuple(who) or (*report.people, *strangers)})


def first(**changes: Any) -> AuditReport:
    return named(sample(seed=3, **changes))


def second(**changes: Any) -> AuditReport:
    return named(sample(seed=4, people=OTHERS, **changes))


def replaced(report: AuditReport, *cells: Cell) -> AuditReport:
    """With these cells in place of those at the same places, or besides them."""
    grid = {c.place: c for c in (*report.cells, *cells)}
    return report.model_copy(update={"cells": tuple(grid.values())})


def at(report: AuditReport, **changes: str) -> Cell:
    place = cell(**changes).place
    return next(c for c in report.cells if c.place == place)


def of(rate: Rate, report: AuditReport, who: str) -> tuple[int, int]:
    return rate.hits[report.people.index(who)], rate.trials[report.people.index(who)]


def test_a_plan_of_several_seeds_is_a_plan_for_each() -> None:
    plan = changed(AuditPlan(), seed=5, seeds=3)
    assert [(p.people.seed, p.people.seeds) for p in plan.splits] == [(5, 1), (6, 1), (7, 1)]
    assert plan.splits[1] == changed(AuditPlan(), seed=6)
    assert AuditPlan().splits == (AuditPlan(),)


def test_a_single_split_is_its_own_report() -> None:
    assert pooled(sample().plan, [sample()]) == sample()


def test_a_person_of_two_splits_is_one_person_with_the_trials_of_both() -> None:
    report = both(first(newer=1), second(newer=3))
    newer = at(report, recogniser="new")
    assert report.people == EVERYBODY
    assert report.counts.protected == len(newer.control.trials) == 19
    assert of(newer.identified, report, "Jim") == (1 + 3, 8)
    assert of(newer.identified, report, "Ann") == (1, 4)
    assert of(newer.identified, report, "other 0") == (3, 4)
    assert of(newer.control, report, "Jim") == (8, 8)


def test_the_interval_of_the_same_people_twice_is_no_narrower_than_that_of_the_people() -> None:
    """Were they other people, it would be."""
    hits = rate(0, 4, 0, 4, 0, 4, 0, 4, 0, 4)
    again = named(sample(seed=4, newer=hits))
    apart = named(sample(seed=4, newer=hits, people=tuple(f"other {i}" for i in range(PEOPLE))))
    alone = at(first(newer=hits), recogniser="new").protection.interval
    same = at(both(first(newer=hits), again), recogniser="new").protection.interval
    other = at(both(first(newer=hits), apart), recogniser="new").protection.interval
    assert same == pytest.approx(alone, abs=0.01)
    assert other[1] - other[0] < 0.8 * (alone[1] - alone[0])


def test_every_split_can_be_computed_again_from_the_report() -> None:
    reports = first(newer=1), second(newer=3)
    report = both(*reports)
    assert [s.seed for s in report.splits] == [3, 4]
    assert [s.people for s in report.splits] == [NAMES, OTHERS]
    assert [s.cells for s in report.splits] == [r.cells for r in reports]
    assert AuditReport.model_validate_json(report.model_dump_json()) == report


def spotted(detected: tuple[bool, ...], hits: Rate) -> Cell:
    return cell(hits, adversary="detection", detected=detected)


JIM_LAST, JIM_FIRST = (False,) * 9 + (True,), (True,) + (False,) * 9


def test_who_is_detected_in_every_split_is_detected_not_protected() -> None:
    report = both(
        replaced(first(), spotted(JIM_LAST, rate(4, 4, 4, 4, 4, 4, 4, 4, 4, 0))),
        replaced(second(), spotted(JIM_FIRST, rate(0, 4, 4, 4, 4, 4, 4, 4, 4, 4))),
    )
    pooled_cell = at(report, adversary="detection")
    assert [n for n, d in zip(report.people, pooled_cell.detected, strict=True) if d] == ["Jim"]
    assert pooled_cell.detected_at_times == 0
    assert pooled_cell.protection.value == 0
    assert len(pooled_cell.protection.trials) == 18
    dropped = pooled_cell.outcomes[DETECTED].cloaked
    assert dropped is not None
    assert of(dropped, report, "Jim") == (2, 2)


def test_who_is_detected_in_one_split_is_judged_by_the_probes_of_the_others() -> None:
    """Probes that find nobody, as the owner was dropped, are no protection."""
    report = both(
        replaced(first(), spotted(JIM_LAST, rate(4, 4, 4, 4, 4, 4, 4, 4, 4, 0))),
        replaced(second(), spotted((False,) * 10, rate(3, 4, 4, 4, 4, 4, 4, 4, 4, 4))),
    )
    pooled_cell = at(report, adversary="detection")
    assert not any(pooled_cell.detected)
    assert pooled_cell.detected_at_times == 1
    assert of(pooled_cell.identified, report, "Jim") == (3, 4)
    assert of(pooled_cell.control, report, "Jim") == (8, 8)
    assert pooled_cell.protection.value == pytest.approx(1 / (19 * 4))


def flagged(people: int, value: float | None) -> Cell:
    """Of everybody enrolled the last is flagged."""
    clean = Rate(hits=(*(0,) * (people - 1), 1), trials=(2,) * people)
    more = {FLAGGED: Outcome(cloaked=rate(4), control=clean, value=value)}
    return cell(adversary="detection", more=more)


def test_a_rate_over_everybody_enrolled_is_pooled_by_their_names() -> None:
    one = named(replaced(sample(enrolled=12), flagged(12, 0.9)), (*NAMES, "Kay", "Leo"))
    other = named(replaced(sample(seed=4, enrolled=11), flagged(11, 0.8)), (*NAMES, "Leo"))
    report = both(one, other)
    found = at(report, adversary="detection").outcomes[FLAGGED]
    assert report.enrolled == (*NAMES, "Kay", "Leo")
    assert found.control == Rate(hits=(0,) * 11 + (2,), trials=(4,) * 10 + (2, 4))
    assert found.cloaked == rate(8, of=8)
    assert found.value == pytest.approx(0.85), "what is no rate: the mean"


def test_a_rate_of_unnamed_people_is_not_pooled_but_stays_in_the_splits() -> None:
    more = {"mine": Outcome(control=Rate(hits=(1, 1, 1), trials=(2, 2, 2)), cloaked=rate(1))}
    measured = cell(more=more)
    report = both(replaced(first(), measured), replaced(second(), measured))
    assert at(report).outcomes["mine"].control is None
    assert at(report).outcomes["mine"].cloaked is not None
    assert measured in report.splits[0].cells


def test_cells_that_a_split_lacks_are_not_pooled() -> None:
    more = cell(transform="resize:0.5")
    report = both(replaced(first(), more), second())
    assert {c.place for c in report.cells} == {c.place for c in first().cells}
    assert more in report.splits[0].cells


def test_what_one_split_makes_impossible_is_so_for_all() -> None:
    other = second()
    why = {"impossible": {CLOAK.attack: "there are nine copies"}}
    adversaries = [
        a.model_copy(update=why) if a.name == "adaptive" else a for a in other.adversaries
    ]
    without = other.model_copy(
        update={
            "adversaries": tuple(adversaries),
            "cells": tuple(c for c in other.cells if c.adversary != "adaptive"),
        }
    )
    for reports in ((first(), without), (without, first())):
        found = both(*reports)
        assert found.adversary("adaptive").impossible == {
            CLOAK.attack: "with seed 4, there are nine copies"
        }
        assert "adaptive" not in {c.adversary for c in found.cells}


def test_a_control_that_fails_in_one_split_makes_all_inconclusive() -> None:
    """In the average it would not show: 0.95."""
    halved = cell(control=rate(4, 4, 4, 4, 4, 4, 4, 2, 2, 0), transform="jpeg:75")
    bad = replaced(second(), halved)
    failing = {"caveats": tuple(sample(control=3).caveats)}
    report = both(first(), bad.model_copy(update=failing))
    assert (at(report, transform="jpeg:75").control.value or 0) > 0.85
    assert report.verdict == "inconclusive"
    assert all(c.text.startswith("With seed 4: ") for c in report.caveats if c.blocking)
    assert both(first(), second()).verdict == "measured"


def test_a_doubt_is_raised_once_about_the_pooled_figures() -> None:
    report = both(first(no_face=("a", "b")), second(no_face=("b", "c")))
    texts = [c.text for c in report.caveats]
    assert len(set(texts)) == len(texts)
    assert "No face was found in 3 pictures." in texts
    assert {c.code for c in report.caveats} <= {c.code for c in first(no_face=("a",)).caveats}


def test_people_are_counted_once_and_pictures_whose_names_are_kept() -> None:
    reasons = {"damaged": 1}
    one = first(unreadable=("x",), unreadable_reasons=reasons, duplicates=("d",))
    counts = both(one, second(unreadable=("y",), unreadable_reasons=reasons)).counts
    strangers = COUNTS.enrolled - PEOPLE
    assert (counts.protected, counts.enrolled) == (19, 19 + strangers)
    assert (counts.probes, counts.gallery) == (2 * PEOPLE * PROBES, 2 * COUNTS.gallery)
    assert (counts.unreadable, counts.duplicates) == (("x", "y"), ("d",))
    assert counts.unreadable_reasons == {"damaged": 2}
    twice = both(one, second(unreadable=("x",), unreadable_reasons=reasons)).counts
    assert (twice.unreadable, twice.unreadable_reasons) == (("x",), {})


def test_quality_is_the_mean_over_pictures_and_the_worst_of_all() -> None:
    quality = QUALITY.model_copy(
        update={"pictures": 20, "dssim": 0.07, "dssim_max": 0.09, "linf": 0.1, "lpips": 0.5}
    )
    copies = Copies(folder="f", matched=5, missing=("a",), unusable=(), background=10)
    changes = {"quality": (quality,), "notes": ("another",), "copies": copies}
    other = second().model_copy(update={"cloaks": (CLOAK.model_copy(update=changes),)})
    (cloak,) = both(first(), other).cloaks
    (found,) = cloak.quality
    assert (found.pictures, found.dssim_max, found.linf, found.lpips) == (100, 0.09, 0.13, None)
    assert found.dssim == pytest.approx(0.8 * 0.02 + 0.2 * 0.07)
    assert cloak.notes == ("a note", "another")
    (found_copies,) = both(other, other.model_copy(update={"plan": second().plan})).cloaks
    assert found_copies.copies == Copies(
        folder="f", matched=10, missing=("a", "a"), unusable=(), background=20
    )


def visible(**changes: Any) -> AuditReport:
    """The second split, its cloak as visible as that."""
    cloak = CLOAK.model_copy(update={"quality": (QUALITY.model_copy(update=changes),)})
    return second().model_copy(update={"cloaks": (cloak,)})


def test_a_learned_metric_is_pooled_where_every_split_measured_it() -> None:
    measured = visible(pictures=60, st_lpips=0.1)
    for other, mean in ((0.3, pytest.approx(0.15)), (None, None)):
        (cloak,) = both(measured, visible(pictures=20, st_lpips=other)).cloaks
        assert cloak.quality[0].st_lpips == mean


def test_a_split_whose_cloak_covers_no_picture_says_nothing_of_visibility() -> None:
    none = visible(pictures=0, dssim=0.0, psnr=math.inf)
    assert both(first(), none).cloaks == first().cloaks
    assert both(none, none).cloaks == none.cloaks


def test_the_rest_is_said_once() -> None:
    report = both(first(), second())
    assert report.cards == first().cards
    assert report.timings == {"cloaking": 3.0}
    assert report.adversary("adaptive").learned == first().adversary("adaptive").learned
    assert (report.plan.people.seed, report.plan.people.seeds) == (3, 2)
    assert [c.what for c in report.comparisons] == [c.what for c in first().comparisons]
    assert {c.people for c in report.comparisons} == {19}
