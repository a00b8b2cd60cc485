"""A result is worth its control."""

from __future__ import annotations

import pytest

from audit.caveats import caveats
from audit.counts import Counts
from audit.outcomes import FLAGGED, Cell, Outcome, Rate
from audit.records import CloakRecord, RecogniserRecord, Relation
from tests.audit.samples import (
    CLOAK,
    COUNTS,
    NEW,
    NOISE,
    QUALITY,
    adversary,
    cell,
    rate,
    recogniser,
    sample,
)


def codes(
    *cells: Cell,
    seen: float = 1.0,
    counts: Counts = COUNTS,
    recognisers: tuple[RecogniserRecord, ...] = (recogniser(), NEW),
    cloak: CloakRecord = CLOAK,
    blocking: bool | None = None,
) -> set[str]:
    adversaries = (adversary("adaptive", cloaked_seen=seen),)
    found = caveats(counts, (cloak,), recognisers, adversaries, cells)
    return {c.code for c in found if blocking is None or c.blocking == blocking}


def test_a_sound_audit_has_nothing_blocking() -> None:
    assert codes(*sample().cells, blocking=True) == set()
    assert sample().verdict == "measured"


def looked(false: Rate, transform: str, **changes: object) -> Cell:
    """By a detector with these false alarms, of which the cell's other figures do not depend."""
    more = {FLAGGED: Outcome(cloaked=rate(4), control=false)}
    return cell(more=more, adversary="detection", transform=transform, **changes)


def test_a_detector_is_unusable_for_its_false_alarms_after_jpeg_alone() -> None:
    tenth = Rate(hits=(4, 0, 0, 0, 0, 0, 0, 0, 0, 0), trials=(4,) * 10)
    assert "detector-unusable" not in codes(looked(tenth, "jpeg:75"))
    assert "detector-unusable" not in codes(looked(rate(4), "jpeg:30"))
    text = next(
        c.text
        for c in caveats(COUNTS, (CLOAK,), (recogniser(),), (), [looked(rate(1), "jpeg:75")] * 2)
        if c.code == "detector-unusable"
    )
    assert text.startswith("detection flags 0.25 of the clean pictures after jpeg:75")


def test_noise_that_a_detector_drops_does_not_protect() -> None:
    noise = {"attack": NOISE, "hits": 3}
    assert "noise-protects" not in codes(looked(rate(0), "none", **noise))
    assert "noise-protects" in codes(cell(**noise))  # type: ignore[arg-type]


def of(**changes: object) -> set[str]:
    return codes(cell(), recognisers=(recogniser(**changes), NEW))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("control-fails", codes(cell(control=3), blocking=True)),
        ("noise-protects", codes(cell(attack=NOISE, hits=3), blocking=True)),
        ("no-cloaks-seen", codes(cell(), seen=0.5, blocking=True)),
        ("not-held-out", of(held_out=False)),
        ("shared-data", of(shared_data=("MS-Celeb-1M",))),
        ("lineage-unstated", of(held_out=None)),
        ("lpips-missing", codes(cell())),
        ("st-lpips-missing", codes(cell())),
        ("no-cloaks-seen", codes(cell(), seen=0.99, blocking=False)),
        ("control-fails", codes(cell(control=3, transform="resize:0.1"), blocking=False)),
        ("detector-unusable", codes(looked(rate(1), "jpeg:75"))),
        ("few-probes", codes(cell(rate(4, 0, 4, 0), rate(4, 4, 4, 4), (False,) * 4))),
        ("small-gallery", codes(cell(), counts=COUNTS.model_copy(update={"enrolled": 12}))),
        (
            "near-duplicates",
            codes(cell(), counts=COUNTS.model_copy(update={"near_duplicates": ("a.jpg",)})),
        ),
        ("lookalikes", codes(cell(), counts=COUNTS.model_copy(update={"lookalikes": ("Bob",)}))),
        ("no-newer-model", codes(cell(), recognisers=(recogniser(),))),
        ("cloak", codes(cell())),
        ("faces-lost", codes(cell(), counts=COUNTS.model_copy(update={"no_face": ("a.jpg",)}))),
    ],
)
def test_each_doubt_is_raised(code: str, found: set[str]) -> None:
    assert code in found


def test_no_doubt_is_raised_without_a_reason() -> None:
    quality = QUALITY.model_copy(update={"lpips": 0.1, "st_lpips": 0.01})
    quiet = CLOAK.model_copy(update={"notes": (), "quality": (quality,)})
    assert codes(cell(hits=0), cloak=quiet) <= {"few-probes"}


def said(**changes: object) -> dict[str, str]:
    """The caveats of a sound audit in which only the counts differ."""
    counts = COUNTS.model_copy(update=changes)
    found = caveats(counts, (CLOAK,), (recogniser(), NEW), (), sample().cells)
    return {c.code: c.text for c in found}


def test_reasons_and_duplicates_are_said() -> None:
    reasons = {"damaged": 2, "too large": 1}
    unreadable = said(unreadable=("a", "b", "c"), unreadable_reasons=reasons)["unreadable"]
    assert unreadable == "3 files could not be read: 2 damaged, 1 too large."
    assert said(unreadable=("a",))["unreadable"] == "1 files could not be read."
    assert "2 pictures were left out" in said(duplicates=("a", "b"))["duplicates"]
    assert "duplicates" not in said()


def test_people_are_left_out_for_the_cause_that_it_was() -> None:
    def why(faceless: int, twins: int) -> str:
        return said(without_pictures=faceless + twins, only_duplicates=twins)["people-lost"]

    assert why(2, 0).endswith("are left out: 2 without a face to enrol or search.")
    assert why(0, 1).endswith("out: 1 whose pictures are probes, or take part elsewhere.")
    assert "3 protected people are left out: 2 without a face to enrol or search, 1" in why(2, 1)


def test_nothing_is_newer_than_no_cloak() -> None:
    """`none` was optimised against nothing, and never released."""
    nothing = CLOAK.model_copy(update={"surrogates": (), "released": None, "notes": ()})
    older = (recogniser(),)
    assert "no-newer-model" not in codes(cell(), recognisers=older, cloak=nothing)
    dated = nothing.model_copy(update={"released": CLOAK.released})
    unknown = nothing.model_copy(update={"surrogates": None})
    for cloak in (dated, unknown):
        assert "no-newer-model" in codes(cell(), recognisers=older, cloak=cloak)


def test_what_is_true_of_several_cloaks_is_said_once() -> None:
    other = CLOAK.model_copy(update={"attack": "other"})
    third = CLOAK.model_copy(update={"attack": "third"})
    shares = Relation(newer=False, held_out=False)
    apart = Relation(newer=False, held_out=True)
    relations = {CLOAK.attack: shares, "other": shares, "third": apart}
    old = recogniser().model_copy(update={"relations": relations})
    found = {c.code: c.text for c in caveats(COUNTS, (CLOAK, other, third), (old,), (), ())}
    assert (
        f"old shares weights or training with a surrogate of {CLOAK.attack}, other:"
        in (found["not-held-out"])
    )
    assert found["no-newer-model"].endswith(f"newer than {CLOAK.attack}, other, third.")
    alone = {c.code: c.text for c in caveats(COUNTS, (CLOAK, other), (old,), (), ())}
    assert "a surrogate of every cloak:" in alone["not-held-out"]


def test_people_with_too_few_pictures_matter_when_nobody_else_could_stand_in() -> None:
    wanted, few = COUNTS.protected + 1, {"too_few_pictures": 7}
    assert "too-few-pictures" in said(without_pictures=1, protectable=wanted, **few)
    assert "too-few-pictures" not in said(without_pictures=1, protectable=wanted + 1, **few)
    assert "too-few-pictures" not in said(protectable=wanted, **few)
    assert "too-few-pictures" not in said(without_pictures=1, protectable=wanted)


def test_a_failing_control_makes_the_report_inconclusive() -> None:
    assert sample(control=3).verdict == "inconclusive"
