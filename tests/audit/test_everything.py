"""One word for every adversary, every scenario or every measure, and never all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from adversaries import ADVERSARIES
from audit.choices import make
from audit.measures import MEASURES
from audit.scenarios import SCENARIOS
from lowkey_core.errors import PlanError
from lowkey_core.spec import canonical


def names(available: tuple[str, ...]) -> set[str]:
    return {canonical(name) for name in available}


def test_all_adversaries_are_measured_where_everybody_cloaks() -> None:
    plan = make("standard", given={"adversary": "all"})
    assert set(plan.adversaries.names) == names(ADVERSARIES.available())
    assert plan.adversaries.names[0] == "oblivious"
    assert plan.publish.scenarios == ("all",)


def test_every_scenario_is_measured_with_the_baseline_and_retraining() -> None:
    plan = make("standard", given={"scenario": "every", "adversary": None})
    assert set(plan.publish.scenarios) == names(SCENARIOS.available())
    assert plan.adversaries.names == ("oblivious", "adaptive")


def test_all_measures_bring_people_to_set_thresholds_on() -> None:
    plan = make("standard", given={"measure": "all"})
    assert set(plan.measure.measures) == names(MEASURES.available())
    assert plan.people.calibration


def test_what_was_given_too_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text('[adversaries]\nnames = ["all"]\n[publish]\nscenarios = ["one"]\n')
    plan = make(file=file, given={"measure": "all", "calibration": 7})
    assert plan.publish.scenarios == ("one",)
    assert set(plan.adversaries.names) == names(ADVERSARIES.available())
    assert plan.people.calibration == 7


def test_the_scenario_all_is_one_of_them() -> None:
    assert make(given={"scenario": "all"}).publish.scenarios == ("all",)


def test_all_stands_alone() -> None:
    with pytest.raises(PlanError, match="adversary is all, detection"):
        make(given={"adversary": "all,detection"})
