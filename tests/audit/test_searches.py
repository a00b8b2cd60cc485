"""What a report says of how galleries were searched."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.outcomes import RECALL
from audit.plan import AuditPlan
from audit.run import run_audit
from lowkey_core.matchers import nn
from lowkey_core.work.work import Work
from tests.audit.plans import changed

pytest.importorskip("faiss", reason="NOT CHECKED: faiss is not installed")


@pytest.fixture
def small(plan: AuditPlan) -> AuditPlan:
    first = plan.adversaries.recognisers[:1]
    return changed(plan, adversary="oblivious", scenario="all", recogniser=first)


def test_nn_says_that_faiss_searched_and_finds_the_same(
    small: AuditPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = run_audit(small, Work())
    assert "nn" not in usual.environment
    monkeypatch.setattr(nn, "LARGE", 3)
    found = run_audit(small, Work())
    assert found.environment["nn"].startswith("by FAISS 1.")
    assert found.environment["nn"].endswith("above 3 pictures")
    assert found.cells == usual.cells


def test_faiss_finds_what_nn_finds(small: AuditPlan, tmp_path: Path) -> None:
    report = run_audit(changed(small, matcher=["nn", "faiss"]), Work())
    by_matcher = {
        name: [
            cell.model_copy(update={"matcher": ""}) for cell in report.cells if cell.matcher == name
        ]
        for name in ("nn", "faiss")
    }
    assert by_matcher["nn"] == by_matcher["faiss"]
    assert len(by_matcher["nn"]) > 0
    assert not [c for c in report.caveats if c.code == "approximate-search"]


def test_an_approximate_search_says_how_much_it_finds(small: AuditPlan) -> None:
    """A graph without a list of candidates to speak of, for six people."""
    report = run_audit(changed(small, matcher="faiss:hnsw:ef=1:links=2", ranks=(1, 6)), Work())
    shares = [cell.outcomes[RECALL].value for cell in report.cells]
    assert all(value is not None and 0 < value <= 1 for value in shares)
    worst = min(value for value in shares if value is not None)
    told = [c.text for c in report.caveats if c.code == "approximate-search"]
    assert bool(told) == (worst < 1)
    if told:
        assert f"finds {worst:.3f} of the people that an exact search finds" in told[0]
