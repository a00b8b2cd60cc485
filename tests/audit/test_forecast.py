"""What is foretold of an audit is what it then does."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.forecast import Foresight, foresee
from audit.plan import AuditPlan
from audit.run import run_audit
from audit.scene import assemble
from lowkey_core.errors import PluginError
from lowkey_core.work import forecast
from lowkey_core.work.cache import Cache
from lowkey_core.work.forecast import Forecast
from lowkey_core.work.work import Work
from reports.console.forecast import lines
from tests.audit.plans import changed
from tests.audit.samples import COUNTS
from tests.audit.small import without_timings
from tests.commands import finish, start


def test_an_audit_makes_the_pieces_that_were_foretold(plan: AuditPlan, tmp_path: Path) -> None:
    told: list[Forecast] = []
    foreseen = foresee(assemble(plan, Work(Cache(tmp_path / "one"))))
    assert foreseen.forecast.pieces.keys() >= {
        "cloaking with lowkey:step_size=0.04:steps=3",
        "training the cloak detector",
        "finding faces again",
    }
    assert foreseen.counts.protected == 3
    assert foreseen.forecast.seconds > 0
    report = run_audit(plan, Work(Cache(tmp_path / "two"), expect=told.append))
    assert told[0].pieces.keys() == foreseen.forecast.pieces.keys()
    cloaking = "cloaking with lowkey:step_size=0.04:steps=3"
    counted = foreseen.forecast.pieces[cloaking], told[0].pieces[cloaking]
    assert counted == (told[0].kept[cloaking] + told[0].done[cloaking],) * 2
    assert without_timings(report) == without_timings(run_audit(plan, Work())), "it changes nothing"


def test_cloaks_with_and_without_a_bound_of_every_pixel_are_foretold_together(
    plan: AuditPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast, "ENOUGH", 0.0)  # everything is answered from one piece
    cloaks = ("fawkes:v1.0:steps=1", "lowkey:steps=2:step_size=0.02")
    both = changed(plan, attack=cloaks, adversary=("oblivious",))
    assert foresee(assemble(both, Work())).forecast.pieces.keys() >= {
        "measuring visibility",
        "measuring visibility, and how much is at a bound",
    }


def test_what_fails_on_stand_ins_is_no_reason_to_refuse(
    plan: AuditPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a program that is blamed for a copy of the wrong size: it was another picture's."""

    def fails(*_: object) -> None:
        raise PluginError("wrong size", expected="the right one", remedy="mend it")

    monkeypatch.setattr("audit.forecast.visible", fails)
    monkeypatch.setattr(forecast, "ENOUGH", float("inf"))  # nothing is
    with pytest.raises(PluginError, match="wrong size"):
        foresee(assemble(plan, Work()))
    monkeypatch.setattr(forecast, "ENOUGH", 0.0)  # everything is answered from one piece
    foreseen = foresee(assemble(plan, Work()))
    assert foreseen.forecast is None
    assert foreseen.counts.protected == 3
    head, said = lines(foreseen)
    assert "to enrol" in head
    assert said.startswith("how long it takes cannot be told")


def test_what_workers_make_is_said_to_take_as_much_less_time() -> None:
    found = Forecast(rates={"cloaking": 30.0, "learning": 2.0}, abreast={"cloaking": 4})
    found.pieces.update({"cloaking": 40, "learning": 50})
    said = [line.strip() for line in lines(Foresight(COUNTS, found, 1, None))]
    assert said[1:3] == ["5.0 min  cloaking: 40 x 30 s, 4 at a time", "1.7 min  learning: 50 x 2 s"]
    assert said[4].startswith("6.7 min  in all")
    found.started -= 300  # all of the cloaking took as long as was foretold
    found.done["cloaking"] = 40
    assert found.left == pytest.approx(100, rel=0.05)


def test_a_dry_run_says_so_and_begins_no_run(tmp_path: Path) -> None:
    sizes = "--protected 2 --probes 1 --gallery 2 --background 3 --others 2 --distractors 3"
    run = start(
        *("audit", "--dry-run", *sizes.split(), "--ranks", 1, "--attack", "lowkey:steps=2"),
        *("--recogniser", "zoo:mobile", "--out", tmp_path / "run", "--cache", tmp_path / "cache"),
    )
    out, err = finish(run, 0)
    assert "2 people x 1 probes: a rate of 0.5 is known to" in err
    assert "cloaking with lowkey:steps=2: " in out
    assert "in all, as fast as this machine was just now" in out
    assert "memory: about" in out
    assert not (tmp_path / "run").exists()
