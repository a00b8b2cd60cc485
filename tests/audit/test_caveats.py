"""A result is worth its control."""

from __future__ import annotations

import pytest

from audit.caveats import caveats
from audit.report import Cell, Counts
from tests.audit.samples import cell, rate, sample


def codes(
    *cells: Cell, seen: float = 1.0, counts: Counts | None = None, blocking: bool | None = None
) -> set[str]:
    found = caveats(
        counts or sample().counts,
        cells,
        sample().quality,
        {"adaptive": {"cloaked_seen": seen}},
        (),
    )
    return {c.code for c in found if blocking is None or c.blocking == blocking}


def test_a_sound_audit_has_nothing_blocking() -> None:
    assert codes(*sample().cells, blocking=True) == set()
    assert sample().verdict == "measured"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("control-fails", codes(cell(control=3), blocking=True)),
        ("noise-protects", codes(cell(attack="noise", hits=3), blocking=True)),
        ("no-cloaks-seen", codes(cell(), seen=0.5, blocking=True)),
        ("not-held-out", codes(cell(held_out=False))),
        ("lineage-unstated", codes(cell(held_out=None))),
        ("lpips-missing", codes(cell())),
        ("no-cloaks-seen", codes(cell(), seen=0.99, blocking=False)),
        ("control-fails", codes(cell(control=3, transform="resize:0.1"), blocking=False)),
        ("few-probes", codes(cell(cloaked={1: rate(4, 0, 4, 0)}, detected=(False,) * 4))),
        ("no-newer-model", codes(cell())),
        (
            "faces-lost",
            codes(cell(), counts=sample().counts.model_copy(update={"no_face": ("a.jpg",)})),
        ),
    ],
)
def test_each_doubt_is_raised(code: str, found: set[str]) -> None:
    assert code in found


def test_a_failing_control_makes_the_report_inconclusive() -> None:
    assert sample(control=3).verdict == "inconclusive"
