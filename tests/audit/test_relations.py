"""Held out is told by cards, and by embeddings where cards are silent."""

from __future__ import annotations

from pathlib import Path

from audit.report import AuditReport
from audit.run import run_audit
from lowkey_core.work.work import Work
from reports.parts.tables import tables
from tests.audit.plans import changed
from tests.audit.small import small_plan

TWIN = """
from dataclasses import replace
from tests.conftest import TinyNetwork
def build():
    network = TinyNetwork(1)
    network.card = replace(network.card, name="twin", lineage=frozenset({"another run"}))
    return network
"""


def audited(folder: Path) -> AuditReport:
    """lowkey with net1 as its surrogate; net2 searches, and net1 under another name and run."""
    plan = small_plan(folder)
    (folder / "twin.py").write_text(TWIN)
    return run_audit(
        changed(
            plan,
            recogniser=(plan.adversaries.recognisers[0], str(folder / "twin.py")),
            adversary="oblivious",
            scenario="all",
        ),
        Work(),
    )


def test_a_surrogate_under_another_name_is_found_out(tmp_path: Path, nobody_real: None) -> None:
    report = audited(tmp_path)
    other, twin = report.recognisers
    (attack,) = (cloak.attack for cloak in report.cloaks)
    assert twin.relations[attack].same_as == ("tiny1",)
    assert twin.relations[attack].held_out is False
    assert not twin.relations[attack].newer, "though its card's date is after the cloak's"
    assert other.relations[attack].same_as == ()
    assert other.relations[attack].held_out is True
    assert other.relations[attack].newer
    (told,) = (c.text for c in report.caveats if c.code == "one-network")
    assert told.startswith("twin gives the same embeddings as tiny1, a surrogate")
    (dated,) = (t for t in tables(report) if t.title.startswith("Do newer recognisers undo"))
    held_out = {row[0]: row[4] for row in dated.rows}
    assert held_out == {"tiny2": "yes", "twin": "no: it is tiny1"}
