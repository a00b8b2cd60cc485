"""An audit from Python: `from audit import audit`."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import audit, session
from audit.plan import AuditPlan
from audit.report import read
from lowkey_core.errors import OptionError, PlanError, RunError
from lowkey_core.publish.settings import Settings
from tests.audit.plans import changed
from tests.audit.small import without_timings


def test_the_report_is_returned_and_stored_and_a_rerun_computes_nothing(
    plan: AuditPlan, tmp_path: Path
) -> None:
    small = changed(plan, adversary="oblivious")
    out, cache = tmp_path / "run", tmp_path / "cache"
    first = audit(plan=small, out=out, cache=cache)
    assert read(tmp_path / "run") == first
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*.safetensors")}
    assert kept
    again = audit(plan=small, out=out, cache=cache)
    assert without_timings(again) == without_timings(first)
    assert kept == {
        file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*.safetensors")
    }


def test_what_the_flags_say_may_be_said_in_python(plan: AuditPlan, tmp_path: Path) -> None:
    report = audit(
        "quick",
        out=tmp_path / "run",
        cache=tmp_path / "cache",
        dataset=plan.people.dataset,
        attack=["none"],
        surrogate=str(tmp_path / "net1.py"),
        recogniser=[str(tmp_path / "net2.py")],
        adversary=["oblivious"],
        protected=3,
        probes=2,
        gallery=3,
        background=2,
        background_pictures=2,
        others=3,
        distractors=0,
        ranks="1,2",
    )
    assert report.plan.publish.attacks == ("none",)
    assert report.plan.measure.ranks == (1, 2)
    assert {cell.recogniser for cell in report.cells} == {"tiny2"}
    of_surrogates = {"no-newer-model", "not-held-out", "lineage-unstated", "shared-data"}
    assert not of_surrogates & {caveat.code for caveat in report.caveats}, "`none` has none"


def test_one_audit_at_a_time_has_a_folder(tmp_path: Path) -> None:
    run, cache = tmp_path / "run", tmp_path / "cache"
    with session.begin(AuditPlan(), run, cache):
        noted = (run / "plan.json").read_bytes()
        with pytest.raises(RunError, match=r"another audit is at work in .*name another folder"):
            session.begin(changed(AuditPlan(), seed=1), run, cache).__enter__()
        assert (run / "plan.json").read_bytes() == noted
        with session.begin(AuditPlan(), tmp_path / "other", cache):
            pass
    with session.begin(AuditPlan(), run, cache):
        pass
    assert [file.name for file in run.iterdir()] == ["plan.json"]


@pytest.mark.parametrize("error", [PlanError("x", expected="y", remedy="z"), ValueError()])
def test_what_cannot_be_done_as_asked_leaves_the_folder_as_it_was(
    error: Exception, tmp_path: Path
) -> None:
    run = tmp_path / "run"

    def failing(plan: AuditPlan) -> None:
        with pytest.raises(type(error)), session.begin(plan, run, tmp_path / "cache"):
            raise error

    failing(AuditPlan())
    assert not run.exists()
    with session.begin(AuditPlan(), run, tmp_path / "cache"):
        pass
    noted = (run / "plan.json").read_bytes()
    failing(changed(AuditPlan(), seed=1))
    assert (run / "plan.json").read_bytes() == noted


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("no room")])
def test_an_audit_that_can_go_on_stays_known(error: BaseException, tmp_path: Path) -> None:
    with pytest.raises(type(error)), session.begin(AuditPlan(), tmp_path / "run", tmp_path):
        raise error
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["plan.json"]


def test_copies_that_cannot_be_made_as_asked_leave_no_folder(tmp_path: Path) -> None:
    out, cache = tmp_path / "new" / "out", tmp_path / "cache"
    with pytest.raises(OptionError, match="does not exist"):
        list(session.protect([tmp_path / "none.png"], out, AuditPlan(), Settings(), cache))
    assert not out.exists()
    out.mkdir(parents=True)
    with pytest.raises(OptionError, match="does not exist"):
        list(session.protect([tmp_path / "none.png"], out, AuditPlan(), Settings(), cache))
    assert out.exists(), "it was there before"
