"""Rates over the protected people stand in one order, whatever a scenario does first."""

from __future__ import annotations

from pathlib import Path

import torch

from audit.measuring import joined
from audit.outcomes import Outcome, Rate
from audit.photographs import photographs
from audit.plan import AuditPlan
from audit.run import run_audit
from audit.scenarios import Trial
from lowkey_core.work.work import Work
from tests.audit.plans import changed

BACKWARDS = """
from audit.scenarios import Trial
class Backwards:
    phrase = "one person at a time cloaks, the last first"
    def trials(self, identities):
        for who in reversed(identities.unique().tolist()):
            yield Trial((who,), identities == who)
def build(): return Backwards()
"""


def test_people_are_in_ascending_order_however_they_were_scored() -> None:
    def trial(*scored: int) -> tuple[Trial, dict[str, Outcome]]:
        own = Rate(hits=scored, trials=(9,) * len(scored))
        enrolled = Rate(hits=(sum(scored),) * 5, trials=(9,) * 5)
        found = Outcome(cloaked=own, control=enrolled, value=float(len(scored)))
        return Trial(scored, torch.ones(1).bool()), {"mine": found}

    outcome = joined([trial(4, 1), trial(3, 0, 2)])["mine"]
    assert outcome.cloaked == Rate(hits=(0, 1, 2, 3, 4), trials=(9,) * 5)
    assert outcome.control == Rate(hits=(5,) * 5, trials=(9,) * 5), "no rate of the scored people"
    assert outcome.value == 2.6, "the mean of two trials, weighted by their people"


def test_a_report_names_its_people_in_the_order_of_every_scenarios_rates(
    plan: AuditPlan, tmp_path: Path
) -> None:
    """A probe of the second is damaged: the second has a trial less, in every cell."""
    (tmp_path / "backwards.py").write_text(BACKWARDS)
    backwards = str(tmp_path / "backwards.py")
    quick = changed(
        plan,
        scenario=("all", "one", "mixed:0.5", "mutual", backwards),
        attack=str(tmp_path / "invert.py"),
        adversary="oblivious",
        recogniser=str(tmp_path / "net2.py"),
    )
    photos = photographs(quick, Work())
    second = next(p for p in photos.probes.items if p.identity == photos.people[1])
    (tmp_path / "photos" / second.name).write_bytes(b"damaged")
    report = run_audit(quick, Work())
    assert second.name.startswith(report.people[1])
    assert {c.control.trials for c in report.cells} == {(2, 1, 2)}
    assert {c.identified.trials for c in report.cells} == {(2, 1, 2)}
    assert len(report.enrolled) == report.counts.enrolled
    assert report.enrolled[:3] == report.people
    found = {c.place: c for c in report.cells}
    ones = [c for c in report.cells if c.scenario == "one"]
    assert any(len(set(c.identified.hits)) > 1 for c in ones), "else this test tells nothing"
    for cell in ones:
        assert cell.outcomes == found[cell.place._replace(scenario=backwards)].outcomes
