"""Who names several candidates is scored at their rank, in both arms and in every table."""

from __future__ import annotations

from pathlib import Path

from audit.outcomes import rank
from audit.plan import AuditPlan
from audit.report import AuditReport
from audit.run import run_audit
from lowkey_core.work.work import Work
from reports.parts import tables
from tests.audit.plans import changed

FOLDED = """
from dataclasses import replace
from adversaries import AdversaryAbout
from adversaries.parts.enrolment import EnrolAll
from tests.conftest import TinyNetwork

class Folded(TinyNetwork):
    def forward(self, images): return super().forward((images - 0.5).abs())

class Robust:
    about = AdversaryAbout("Does it survive who sees no difference?", uses_tool=False)
    def prepare(self, threat, rng): return EnrolAll(replace(threat.recognition, network=Folded(2)))

def build(): return Robust()
"""
"""To this one an inverted picture is the picture."""


def test_top2_is_read_at_rank_2_and_the_report_says_so(plan: AuditPlan, tmp_path: Path) -> None:
    (tmp_path / "folded.py").write_text(FOLDED)
    robust, first = f"{tmp_path}/folded.py", str(tmp_path / "net2.py")
    name = f"ensemble:top2@{robust}"
    asked = {"scenario": "all", "adversary": (robust, name), "ranks": (1,)}
    attack = str(tmp_path / "invert.py")
    report = run_audit(changed(plan, **asked, attack=attack, recogniser=first), Work())
    assert (report.ranks, report.plan.measure.ranks) == ((1, 2), (1,))
    assert {c.scored_at for c in report.cells if c.adversary != name} == {1}
    own = [c for c in report.cells if c.adversary == name]
    assert {c.attack for c in own} == {attack, f"noise@{attack}"}, "the tool is never called"
    for cell in own:
        assert cell.scored_at == 2
        assert cell.identified == cell.outcomes[rank(2)].cloaked
        assert cell.control == cell.outcomes[rank(2)].control
    as_published = next(c for c in own if (c.attack, c.transform) == (attack, "none"))
    misled = as_published.outcomes[rank(1)].cloaked
    assert misled is not None
    assert sum(misled.hits) < sum(as_published.identified.hits) == 6, "each of 3 has 2 probes"
    shown = {table.title: table for table in tables.tables(report)}
    said = tables.verdict(report.model_copy(update={"caveats": ()}))
    assert "1 - rank-1 identification, at rank 2 of who names 2 candidates;" in said
    answers = [r[1] for r in shown["Does it still protect?"].rows if "each names a cand" in r[1]]
    assert len(answers) == 3
    assert all("(at rank 2)" in said for said in answers)
    grid = shown["Every measurement"]
    assert "rank-1/2 cloaked" in grid.columns
    assert {row[1] for row in grid.rows} == {"oblivious", robust, f"{name} (at rank 2)"}
    compared = shown["What differs, on the same probes?"]
    assert f"{name} (at rank 2)" in {row[0] for row in compared.rows}
    assert AuditReport.model_validate_json(report.model_dump_json()) == report
