"""One adversary of several fails: its row says why, and the rest is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import choices
from audit.report import AuditReport
from audit.run import run_audit
from audit.surviving import surviving
from lowkey_core.errors import AuditError, PluginError, ServiceError, StorageError
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from reports.markdown import render

FAILS = """
from adversaries.oblivious import Oblivious
class Mine(Oblivious):
    def prepare(self, threat, rng):
        {learning}
        enrol = super().prepare(threat, rng)
        def mine(scraped):
            {facing}
            return enrol(scraped)
        return mine
def build(): return Mine()
"""
RECOGNISER = """
import torch
class Mine:
    def __call__(self, images):
        return torch.nn.functional.normalize(images.flatten(1)[:, ::300])
def build(): return Mine()
"""


def audited(portraits: Path, folder: Path, *adversaries: str) -> AuditReport:
    (folder / "sound.py").write_text(RECOGNISER)
    sound = dict.fromkeys(("surrogate", "recogniser"), str(folder / "sound.py"))
    given = {**sound, "attack": "none", "adversary": list(adversaries)}
    plan = choices.make(file=portraits / "plan.toml", given=given)
    return run_audit(plan, Work(Cache(folder / "cache")))


def failing(folder: Path, **where: str) -> str:
    file = folder / "fails.py"
    file.write_text(FAILS.format(**{"learning": "", "facing": "", **where}))
    return str(file)


@pytest.mark.parametrize("where", ["learning", "facing"])
def test_a_failing_adversary_has_a_reason_and_no_figures(
    portraits: Path, tmp_path: Path, where: str
) -> None:
    fails = failing(tmp_path, **{where: "raise RuntimeError('out of luck')"})
    sound = tmp_path / "works.py"
    sound.write_text(FAILS.format(learning="", facing=""))
    report = audited(portraits, tmp_path, fails, str(sound))
    reason = report.adversary(fails).impossible["none"]
    assert "fails.py raised RuntimeError" in reason
    assert "out of luck" in reason
    assert {c.adversary for c in report.cells} == {"oblivious", str(sound)}
    assert "out of luck" in render(report)
    assert "adversary-failed" in {c.code for c in report.caveats}


def test_the_only_adversary_that_was_asked_for_ends_the_run(
    portraits: Path, tmp_path: Path
) -> None:
    fails = failing(tmp_path, learning="raise RuntimeError('out of luck')")
    with pytest.raises(PluginError, match="out of luck"):
        audited(portraits, tmp_path, fails)


@pytest.mark.parametrize("kind", [StorageError, ServiceError])
def test_what_concerns_all_adversaries_ends_the_run(kind: type[AuditError]) -> None:
    """A full disk, or a service without quota left: none of them is to blame."""
    reasons: list[str] = []
    everybody = ["oblivious", "adaptive", "detection"]
    with pytest.raises(kind, match="no more"), surviving("detection", everybody, reasons.append):
        raise kind("no more", expected="enough", remedy="get some")
    assert not reasons
    with surviving("detection", everybody, reasons.append):
        raise PluginError("a mistake", expected="none", remedy="correct it")
    assert len(reasons) == 1
