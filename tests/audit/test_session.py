"""An audit from Python: `from audit import audit`."""

from __future__ import annotations

from pathlib import Path

from audit import audit
from audit.plan import AuditPlan
from audit.report import read
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
