"""What is published in each scenario, and what that leaves of protection: a whole audit, small."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from adversaries import System
from audit import measuring
from audit.measures import Searches
from audit.measures.rank_k import RankK
from audit.outcomes import FOUND, Cell, Outcome
from audit.plan import AuditPlan
from audit.publishing import publish
from audit.report import AuditReport
from audit.run import run_audit
from audit.scene import assemble
from lowkey_core.content import digests_of
from lowkey_core.errors import PlanError, PluginError, UnknownNameError
from lowkey_core.types import Pictures
from lowkey_core.work.work import Work
from tests.audit.plans import changed

DARKER = """
class Darker:
    def __call__(self, faces, rng): return faces.images * 0.5
def build(): return Darker()
"""


@pytest.fixture
def simple(plan: AuditPlan, tmp_path: Path) -> AuditPlan:
    """Pictures are inverted, against one recogniser as it is; an older cloak lies beside it."""
    (tmp_path / "darker.py").write_text(DARKER)
    return changed(
        plan,
        attack=str(tmp_path / "invert.py"),
        adversary="oblivious",
        recogniser=str(tmp_path / "net2.py"),
    )


def seen(plan: AuditPlan, monkeypatch: pytest.MonkeyPatch) -> dict[str, Searches]:
    """By scenario, the last search among pictures as published, of the cloak and of its noise."""
    found: list[Searches] = []
    plain = RankK.__call__

    def watching(self: RankK, a: System, b: System, s: Searches) -> dict[str, Outcome]:
        found.append(s)
        return plain(self, a, b, s)

    monkeypatch.setattr(RankK, "__call__", watching)
    report = run_audit(plan, Work())
    kept = {}
    for cell, searches in zip(report.cells, found, strict=True):
        if cell.transform == "none":
            kind = "noise" if cell.attack.startswith("noise@") else "cloak"
            kept[f"{cell.scenario} {kind}"] = searches
    return kept


def looks(pictures: Pictures, count: int) -> Sequence[str]:
    """Digests of the first faces."""
    return digests_of(pictures.faces(rows=range(count)))


def test_the_late_switch_has_the_older_cloak_on_the_first_part(
    simple: AuditPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And beside the noise control, noise of the older cloak's energy: no cloak at all."""
    late = f"late@{tmp_path}/darker.py"
    scene = assemble(changed(simple, scenario=late), Work())
    invert, noise, darker, quiet = publish(scene)
    assert [p.of for p in (invert, noise, darker, quiet)] == [
        *("", invert.attack, "", darker.attack)
    ]
    assert darker.probes is None
    n = len(scene.photos.gallery)
    earlier = torch.tensor([True, True, False, False] * 3)
    assert n == len(earlier)
    found = seen(changed(simple, scenario=late), monkeypatch)
    assert len(found) == 2
    for kind, rest, first in (("cloak", invert, darker), ("noise", noise, quiet)):
        searches = found[f"{late} {kind}"]
        expected = rest.gallery.replaced(earlier, first.gallery)
        assert looks(searches.scraped, n) == looks(expected, n)
        assert searches.changed.tolist() == [True] * n + [False] * (len(searches.scraped) - n)
    assert len(set(looks(darker.gallery, n)) & set(looks(scene.photos.gallery, n))) == 0


def test_an_older_cloak_is_made_once_for_all_who_ask_and_never_twice_if_it_is_audited(
    simple: AuditPlan, tmp_path: Path
) -> None:
    spec = f"{tmp_path}/darker.py"
    late = (f"late@{spec}", f"late:0.25@{spec}", "all")
    alone = assemble(changed(simple, scenario=late), Work())
    assert [tool.name for tool in alone.older] == [spec]
    assert len(publish(alone)) == 4
    both = assemble(changed(simple, scenario=late, attack=(*simple.publish.attacks, spec)), Work())
    assert both.older == ()
    assert len(publish(both)) == 4
    assert [c.attack for c in run_audit(changed(simple, scenario=late), Work()).cloaks] == list(
        simple.publish.attacks
    ), "the older one is not audited"


def test_who_enrolled_before_is_searched_by_cloaked_photos_in_a_clean_gallery(
    simple: AuditPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = assemble(changed(simple, scenario="before"), Work())
    invert, noise = publish(scene)
    found = seen(changed(simple, scenario="before"), monkeypatch)
    for kind, own in (("cloak", invert), ("noise", noise)):
        searches, count = found[f"before {kind}"], len(scene.photos.probes)
        assert not searches.changed.any()
        n = len(scene.photos.gallery)
        assert looks(searches.scraped, n) == looks(scene.photos.gallery, n)
        assert own.probes is not None
        assert looks(searches.probes, count) == looks(own.probes, count)
        assert looks(searches.clean, count) == looks(scene.photos.probes, count)


def cells(report: AuditReport, transform: str = "none") -> dict[str, Cell]:
    """Of the audited cloak, by scenario."""
    attack = report.cloaks[0].attack
    return {c.scenario: c for c in report.cells if (c.attack, c.transform) == (attack, transform)}


def test_the_mixing_curve_begins_at_the_control_and_falls(
    simple: AuditPlan, tmp_path: Path
) -> None:
    """Whoever has one clean picture online is found by it; nobody is by an inverted one."""
    late = f"late@{tmp_path}/darker.py"
    curve = ("mixed:0..1..0.25", "all", "before", "mutual", late)
    report = run_audit(changed(simple, scenario=curve, adversary="detection"), Work())
    found = {
        scenario: cell
        for scenario, cell in cells(report).items()
        if scenario.startswith(("mixed", "all", "before", "mutual", "late"))
    }
    shares = {name: cell.cloaked_share for name, cell in found.items()}
    assert shares == {
        **{f"mixed:{share}": float(share) for share in ("0", "0.25", "0.5", "0.75", "1")},
        **{"all": 1.0, "before": 0.0, "mutual": 1.0, late: 1.0},
    }
    start = found["mixed:0"]
    assert start.identified == start.control
    assert start.outcomes[FOUND].cloaked is not None
    assert sum(start.outcomes[FOUND].cloaked.trials) == 0
    assert found["mixed:1"].outcomes == found["all"].outcomes
    hits = [sum(cell.identified.hits) for name, cell in found.items() if "mixed" in name]
    assert hits == sorted(hits, reverse=True)
    assert hits[0] > hits[-1]


def test_a_share_that_rounds_to_nothing_is_a_mistake_and_none_is_not(simple: AuditPlan) -> None:
    run_audit(changed(simple, scenario="mixed:0"), Work())
    with pytest.raises(PlanError, match="cloak none"):
        run_audit(changed(simple, scenario="mixed:0.01"), Work())


def test_a_wrong_older_cloak_comes_out_before_any_photo_is_read(
    simple: AuditPlan, tmp_path: Path
) -> None:
    nowhere = changed(simple, dataset=str(tmp_path / "nowhere"))
    with pytest.raises(UnknownNameError, match="no cloak is called 'darker'"):
        assemble(changed(nowhere, scenario="late@darker"), Work())
    (tmp_path / "copies").mkdir()
    with pytest.raises(PlanError, match=r"older cloak folder:.*copies.*a cloak that is made here"):
        assemble(changed(nowhere, scenario=f"late@folder:{tmp_path}/copies"), Work())


def test_who_publishes_earlier_pictures_says_with_which_cloak(
    simple: AuditPlan, tmp_path: Path
) -> None:
    (tmp_path / "nameless.py").write_text(
        "from audit.scenarios.late import Late\n"
        "from lowkey_core.spec import Spec\n"
        "def build():\n"
        "    made = Late(0.5, Spec('noise'))\n"
        "    del made.older\n"
        "    return made\n"
    )
    with pytest.raises(PluginError, match=r"has pictures that were published earlier.*`older`"):
        run_audit(changed(simple, scenario=f"{tmp_path}/nameless.py"), Work())
    assert measuring.older(object()) == ""  # type: ignore[arg-type]
