"""Pictures that a cloak leaves as they were are named in the report: nothing fails in silence."""

from __future__ import annotations

from pathlib import Path

from audit.plan import AuditPlan
from audit.run import run_audit
from lowkey_core.work.work import Work
from tests.audit.plans import changed

CLOAK = """
class Failing:
    def __call__(self, faces, rng):
        images = 1 - faces.images
        images[[name.endswith("p0.png") for name in faces.names]] = float("nan")
        return images
def build(): return Failing()
"""
CODE = "cloak-changed-nothing"


def test_who_was_left_out_is_named(plan: AuditPlan, tmp_path: Path) -> None:
    file = tmp_path / "failing.py"
    file.write_text(CLOAK)
    one = changed(plan, attack=(str(file), "none"), adversary=(), scenario="all", protected=4)
    report = run_audit(one, Work())
    failing, none = report.cloaks
    own = failing.unchanged
    assert own
    assert all(name.endswith("p0.png") for name in own)
    (caveat,) = [c for c in report.caveats if c.code == CODE]
    assert not caveat.blocking
    assert f"left {len(own)} pictures" in caveat.text
    assert own[0] in caveat.text
    assert len(none.unchanged) == none.quality[0].pictures, "which is what it is for"
