"""A range in a plan's transforms stands for one transform for each of its values."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.choices import make
from audit.fields import MOST_NAMES
from audit.ladders import MOST, each, rungs
from audit.plan import BASE_TRANSFORMS
from lowkey_core.errors import OptionError, PlanError


@pytest.mark.parametrize(
    ("ladder", "values"),
    [
        ("jpeg:10..95", "10 27 44 61 78 95"),
        ("jpeg:10..95..15", "10 25 40 55 70 85 95"),
        ("jpeg:30..90..10", "30 40 50 60 70 80 90"),
        ("jpeg:80..90", "80 82 84 86 88 90"),
        ("jpeg:50..53", "50 51 52 53"),
        ("jpeg:5..100..5", " ".join(map(str, range(5, 101, 5)))),
        ("blur:0.5..3", "0.5 1 1.5 2 2.5 3"),
        ("blur:.5..1", "0.5 0.6 0.7 0.8 0.9 1"),
        ("blur:1..3", "1 2 3"),
        ("blur:1.0..3", "1 1.4 1.8 2.2 2.6 3"),
        ("blur:1..3..0.5", "1 1.5 2 2.5 3"),
        ("resize:0.25..1", "0.25 0.4 0.55 0.7 0.85 1"),
        ("mine.py:-2..2..1", "-2 -1 0 1 2"),
    ],
)
def test_the_values_of_a_range(ladder: str, values: str) -> None:
    name = ladder.partition(":")[0]
    assert rungs(ladder) == tuple(f"{name}:{value}" for value in values.split())


def test_what_has_no_range_stands_for_itself_in_canonical_form() -> None:
    for name in (
        "jpeg",
        "jpeg:75",
        "resize:0.5+jpeg:75",
        "longest:1600@jpeg:70",
        "mine.py:../a..b",
    ):
        assert rungs(name) == (name,)
    assert rungs("mine.py:b=2:a=.50 + png") == ("mine.py:a=0.5:b=2+png",)


def test_a_range_in_a_chain_is_that_many_chains() -> None:
    assert rungs("resize:0.5+jpeg:30..90..30") == tuple(
        f"resize:0.5+jpeg:{quality}" for quality in (30, 60, 90)
    )
    assert rungs("longest:1600@jpeg:30..90..30") == tuple(
        f"longest:1600@jpeg:{quality}" for quality in (30, 60, 90)
    )
    assert rungs("jpeg:80..90..10+webp:70..80..10") == (
        *("jpeg:80+webp:70", "jpeg:80+webp:80"),
        *("jpeg:90+webp:70", "jpeg:90+webp:80"),
    )


def test_options_stay_with_every_value() -> None:
    assert rungs("double-jpeg:70..80..10:shift=3") == (
        "double-jpeg:70:shift=3",
        "double-jpeg:80:shift=3",
    )


@pytest.mark.parametrize(
    ("ladder", "said"),
    [
        ("jpeg:95..10", r"has the range '95..10'; expected the lower end first.*jpeg:10\.\.95$"),
        ("jpeg:50..50", r"expected the lower end first.*write, say, jpeg:50$"),
        ("jpeg:10..high", "expected LOW..HIGH or LOW..HIGH..STEP, all of them numbers"),
        ("jpeg:10..", "all of them numbers"),
        ("jpeg:..95", "all of them numbers"),
        ("jpeg:10..95..5..1", "all of them numbers"),
        ("jpeg:1..nan", "all of them numbers"),
        (f"jpeg:1..{'9' * 5000}", "all of them numbers"),
        ("jpeg:10..95..0", "expected a step above 0"),
        ("jpeg:10..95..-5", "expected a step above 0"),
        ("jpeg:1..100..1", rf"expected at most {MOST} values.*jpeg:1\.\.100$"),
        ("jpeg:1..999999999..0.000000001", f"expected at most {MOST} values"),
        ("resize:0.25..1+jpeg:10..95", f"stand for 36 names; expected at most {MOST}"),
        ("@".join(["longest:100..900"] * 8), f"stand for 36 names; expected at most {MOST}"),
    ],
)
def test_a_bad_range_is_one_line(ladder: str, said: str) -> None:
    with pytest.raises(OptionError, match=said) as raised:
        make(given={"transform": ladder})
    assert all((raised.value.got, raised.value.expected, raised.value.remedy))


def test_a_plan_and_so_a_report_has_single_transforms(tmp_path: Path) -> None:
    made = make(given={"transform": "jpeg:45..90..15,blur:1..2..0.5"})
    ladder = ("jpeg:45", "jpeg:60", "jpeg:90", "blur:1", "blur:1.5", "blur:2")
    assert made.publish.transforms == (*BASE_TRANSFORMS, *ladder), "each once"
    (tmp_path / "plan.toml").write_text(
        '[publish]\ntransforms = ["jpeg:45..90..15", "blur:1..2..0.5"]'
    )
    assert make(file=tmp_path / "plan.toml").digest == made.digest


def test_ladders_count_among_the_names_of_a_plan() -> None:
    ladders = [f"blur:{start}.0..{start}.9..0.05" for start in range(1, 8)]
    assert sum(len(rungs(ladder)) for ladder in ladders) > MOST_NAMES
    with pytest.raises(PlanError, match="change transform"):
        make(given={"transform": ladders})


def test_scenarios_have_ladders_too(tmp_path: Path) -> None:
    """The mixing curve; what is behind an @ may have a range, and a path may hold a plus sign."""
    made = make(given={"scenario": "mixed:0..1..0.25,late:0.25..0.75..0.25@fawkes:v1.0:mode=high"})
    assert made.publish.scenarios == (
        *("mixed:0", "mixed:0.25", "mixed:0.5", "mixed:0.75", "mixed:1"),
        *(f"late:{share}@fawkes:v1.0:mode=high" for share in (0.25, 0.5, 0.75)),
    )
    assert make(given={"scenario": list(made.publish.scenarios)}) == made
    assert each("a+b/mine.py") == ('"a+b/mine.py"',)
    with pytest.raises(OptionError, match="expected the lower end first"):
        make(given={"scenario": "mixed:1..0"})
    with pytest.raises(PlanError, match=r"ranges make 114 scenarios.*change scenario"):
        make(given={"scenario": [f"mixed:0.{n}..0.{n}9..0.005" for n in range(1, 7)]})
