"""The whole audit of copies that somebody made: those of `protect` count as if made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from adversaries.parts.end_to_end import Copies, chosen
from audit.plan import AuditPlan
from audit.run import run_audit
from lowkey_core import cloaks, datasets
from lowkey_core.errors import DatasetError
from lowkey_core.publish.protect import Protector
from lowkey_core.publish.published import Published
from lowkey_core.publish.settings import Settings
from lowkey_core.types import Pictures
from lowkey_core.work.work import Work
from reports import REPORTS
from tests.audit.plans import changed

E2E = "adaptive:e2e:rounds=1:share=1.0"


def copies(plan: AuditPlan, root: Path, skip: tuple[str, ...] = ()) -> AuditPlan:
    """The plan with inverted copies of all pictures in `root` but those of some people."""
    cloak: Any = cloaks.load(str(root.parent / "invert.py"), list)
    photos = [
        (photo, f"{photo.identity}/{Path(photo.name).stem}_cloaked.png")
        for photo in datasets.load(plan.people.dataset).photos
        if photo.identity not in skip
    ]
    root.mkdir()
    published = Published(cloak, Work(), name="", batch=plan.publish.batch)
    made = Protector(root, published, Settings(), Work(), torch.Generator()).protect(photos)
    assert {outcome.status for outcome in made} == {"protected"}
    return changed(plan, attack=f"folder:{root}", background=10, surrogate=())


def test_copies_that_protect_wrote_count_as_if_cloaked_here(
    plan: AuditPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cell for cell: what is enrolled, what adversaries learned from, and the noise's energy."""
    monkeypatch.setattr("lowkey_core.publish.tool.ENOUGH", 3)
    found = changed(copies(plan, tmp_path / "copies"), background=4)
    made = changed(found, attack=str(tmp_path / "invert.py"))
    theirs, ours = run_audit(found, Work()), run_audit(made, Work())
    copied = theirs.cloaks[0].copies
    assert copied is not None
    assert (copied.matched, copied.background) == (3 * 4, 4 * 4)
    assert not copied.missing
    assert not copied.strays
    assert copied.notes[0].endswith("by the ledger of `protect`")
    assert not any(adversary.impossible for adversary in theirs.adversaries)
    strip = {"attack": "", "adversary": ""}
    assert [c.model_copy(update=strip) for c in theirs.cells] == [
        c.model_copy(update=strip) for c in ours.cells
    ]


def test_without_copies_of_the_background_nobody_learns(plan: AuditPlan, tmp_path: Path) -> None:
    """People with copies are the protected ones; the rest of the audit goes on."""
    everybody = sorted({p.identity for p in datasets.load(plan.people.dataset).photos})
    found = copies(plan, tmp_path / "copies", skip=tuple(everybody[4:]))
    report = run_audit(changed(found, background=4), Work())
    impossible = {a.name for a in report.adversaries if a.impossible}
    assert impossible == {"adaptive", "detection"}
    assert {c.adversary for c in report.cells} == {"oblivious"}
    copied = report.cloaks[0].copies
    assert copied is not None
    assert not copied.missing, "whoever has no copies is not protected"
    text = str(REPORTS.load("markdown")(report))
    assert "not possible" in text
    assert "1 background people have cloaked copies" in text


def test_a_picture_without_a_copy_counts_as_uncloaked(plan: AuditPlan, tmp_path: Path) -> None:
    found = copies(plan, tmp_path / "copies")
    for file in sorted((tmp_path / "copies").rglob("*.png"))[::2]:
        file.unlink()
    report = run_audit(changed(found, background=4, adversary="oblivious"), Work())
    (cloak,) = report.cloaks
    assert cloak.copies is not None
    published = cloak.copies.matched + len(cloak.copies.missing)
    assert (cloak.quality[0].pictures, published) == (cloak.copies.matched, 3 * 4)
    assert cloak.copies.reasons == dict.fromkeys(cloak.copies.missing, "no file of its name")
    assert "(no file of its name)" in str(REPORTS.load("markdown")(report))
    share = cloak.copies.matched / published
    assert [c.cloaked_share for c in report.cells] == pytest.approx([share] * len(report.cells))
    assert "copies-missing" in {c.code for c in report.caveats}


def test_too_few_people_with_copies_are_said_so(plan: AuditPlan, tmp_path: Path) -> None:
    everybody = sorted({p.identity for p in datasets.load(plan.people.dataset).photos})
    found = copies(plan, tmp_path / "copies", skip=tuple(everybody[2:]))
    with pytest.raises(DatasetError, match=r"for 2 people.*use protected=2"):
        run_audit(found, Work())


def test_nobody_runs_a_folder_on_what_was_scraped(
    plan: AuditPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the clean gallery would be learned from with copies, the published one without."""
    monkeypatch.setattr("lowkey_core.publish.tool.ENOUGH", 1)
    asked: list[tuple[int, int]] = []

    class Counted(Copies):
        def __call__(self, scraped: Pictures, /) -> Pictures:
            made = super().__call__(scraped)
            asked.append((len(chosen(scraped, self.share, self.seed)), len(made)))
            return made

    monkeypatch.setattr("adversaries.adaptive.Copies", Counted)
    found = changed(copies(plan, tmp_path / "copies"), background=4)
    report = run_audit(changed(found, adversary=E2E, epochs=1), Work())
    assert not any(adversary.impossible for adversary in report.adversaries)
    assert len(asked) == 2, "in both arms"
    assert all(people > 0 and made == 0 for people, made in asked)
