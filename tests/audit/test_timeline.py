"""Protection by date: months from the cloak, families beside them, and what date does not say."""

from __future__ import annotations

import datetime

import pytest

from audit.records import CloakRecord, RecogniserRecord
from audit.report import AuditReport
from audit.timeline import Moment, stronghold, timeline
from reports.parts.timeline import UNSEEN, dated
from tests.audit.samples import CLOAK, cell, recogniser, sample

KIN = CLOAK.model_copy(update={"families": ("MobileFaceNet",)})


def network(
    name: str,
    released: datetime.date | None,
    family: str,
    *,
    embedded: bool = False,
    **relation: object,
) -> RecogniserRecord:
    found = recogniser(name, released, **relation)  # type: ignore[arg-type]
    return found.model_copy(update={"family": family, "embedded": embedded})


SMALL = network("ours", datetime.date(2026, 11, 21), "transformer", embedded=True)
UNDATED = network("undated", None, "transformer")
COUSIN = network("cousin", datetime.date(2021, 10, 21), "MobileFaceNet", newer=True)
HYBRID = network("hybrid", datetime.date(2023, 7, 1), "convolutions and attention", newer=True)
OLD = network("old", datetime.date(2019, 7, 1), "MobileFaceNet")
EVERYBODY = (HYBRID, SMALL, UNDATED, COUSIN, OLD)


def report(hits: dict[str, int], control: int = 4, cloak: CloakRecord = KIN) -> AuditReport:
    """hits: of four probes, how many each recogniser identifies."""
    cells = tuple(cell(n, control, recogniser=who) for who, n in hits.items())
    return sample().model_copy(
        update={"recognisers": EVERYBODY, "cells": cells, "cloaks": (cloak,)}
    )


HITS = {"old": 0, "cousin": 0, "hybrid": 3, "undated": 1, "ours": 4}


def moments(made: AuditReport) -> dict[str, Moment]:
    return {m.recogniser.name: m for m in timeline(made, made.cloaks[0])}


def test_the_oldest_is_first_and_ours_last() -> None:
    found = moments(report(HITS))
    assert list(found) == ["old", "cousin", "hybrid", "undated", "ours"]
    months = [m.months for m in found.values()]
    assert months == [-18, 9, 30, None, None], "the cloak is of January 2021"


def test_the_table_has_family_date_distance_and_both_figures() -> None:
    table = dated(report(HITS), KIN)
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["old"][:4] == ("MobileFaceNet", "2019-07", "-18 months", "yes")
    assert rows["hybrid"][:3] == ("convolutions and attention", "2023-07", "+30 months")
    assert rows["hybrid"][4].startswith("0.25 [")
    assert rows["hybrid"][5].startswith("1.00 [")
    assert rows["ours"][2] == UNSEEN, "though its date is years after the cloak's"
    assert rows["undated"][1:3] == ("not stated", "not stated")


def test_a_newer_network_of_the_surrogates_family_that_is_fooled_more_is_named() -> None:
    made = report(HITS)
    note = dated(made, KIN).note
    assert "Date alone does not decide: cousin came 9 months after the cloak" in note
    assert "(MobileFaceNet)" in note
    assert "than against hybrid (convolutions and attention), 0.25 [" in note
    assert "overlap" not in note


def test_overlapping_intervals_are_said_to_overlap() -> None:
    close = report(HITS | {"cousin": 2})
    assert dated(close, KIN).note.endswith("though the intervals overlap.")


@pytest.mark.parametrize(
    "made",
    [
        report(HITS | {"cousin": 3}),
        report(HITS, cloak=CLOAK),
        report(HITS, control=3),
        report({name: n for name, n in HITS.items() if name != "cousin"}),
        report({name: n for name, n in HITS.items() if name not in ("hybrid", "undated")}),
    ],
    ids=["not fooled more", "no family", "control fails", "no cousin", "nobody else"],
)
def test_nothing_is_said_of_dates_where_figures_do_not_say_it(made: AuditReport) -> None:
    cloak = made.cloaks[0]
    assert stronghold(cloak, timeline(made, cloak)) is None
    assert "Date alone" not in dated(made, cloak).note


def test_what_is_no_fair_comparison_does_not_count() -> None:
    """A surrogate is protected against best, and one of ours is nobody's newer network."""
    made = report(HITS)
    unfair = network("cousin", COUSIN.released, "MobileFaceNet", newer=True, held_out=False)
    changed = made.model_copy(update={"recognisers": (HYBRID, SMALL, UNDATED, unfair, OLD)})
    assert stronghold(KIN, timeline(changed, KIN)) is None


def test_reports_without_families_stay_readable() -> None:
    made = sample()
    older = made.model_dump(mode="json")
    for each in older["recognisers"]:
        del each["family"], each["service"]
        for relation in each["relations"].values():
            del relation["same_as"]
    for each in older["cloaks"]:
        del each["families"]
    for each in older["cards"]:
        del each["family"]
    read = AuditReport.model_validate(older)
    assert read == made
    assert dated(read, read.cloaks[0]).rows[0][1] == "not stated"
