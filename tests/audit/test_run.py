"""The whole audit, small: a folder of photos, tiny networks from files, every part real."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from audit import photographs
from audit.forecast import foresee
from audit.outcomes import FOUND, Cell, Outcome
from audit.plan import AuditPlan
from audit.report import PER_FACE
from audit.run import run_audit
from audit.scene import assemble
from lowkey_core.errors import PlanError
from lowkey_core.faces import detection
from lowkey_core.faces.detection import TOGETHER
from lowkey_core.faces.frames import Frame
from lowkey_core.faces.paste import retouched
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.photos.images import decode, encode
from lowkey_core.publish.control import EqualNoise
from lowkey_core.types import ARCFACE, Pixels
from lowkey_core.work.cache import Cache
from lowkey_core.work.forecast import Forecast
from lowkey_core.work.work import Work
from tests.audit.plans import changed
from tests.audit.small import Counting, StopHereError, without_timings
from tests.conftest import TinyNetwork, whole


def test_measures_the_whole_grid(plan: AuditPlan) -> None:
    report = run_audit(plan, Work())
    measured = {
        (c.attack, c.adversary, c.recogniser, c.transform, c.scenario) for c in report.cells
    }
    assert len(measured) == len(report.cells)
    transforms, scenarios = 3, 2
    assert len(report.cells) == (2 * 2 + 1 + 1) * transforms * scenarios
    assert {c.control.trials for c in report.cells} == {(2, 2, 2)}
    (learned,) = report.adversary("adaptive").learned.values()
    assert learned["cloaked_seen"] == 1.0


def test_an_interrupted_audit_resumes_and_ends_the_same(plan: AuditPlan, tmp_path: Path) -> None:
    """So do two runs of one plan."""
    whole = Counting(tmp_path / "whole")
    expected = without_timings(run_audit(plan, Work(whole)))
    for stop_after in (1, whole.made // 2):
        root = tmp_path / f"cut{stop_after}"
        with pytest.raises(StopHereError):
            run_audit(plan, Work(Counting(root, stop_after)))
        resumed, told = Counting(root), list[Forecast]()
        report = run_audit(plan, Work(resumed, expect=told.append))
        assert (without_timings(report), len(told)) == (expected, 1)
        again = resumed.made - (whole.made - stop_after)
        assert 0 <= again < TOGETHER, "nothing finished is computed again, but for part of a batch"


def test_a_rerun_computes_nothing(plan: AuditPlan, tmp_path: Path) -> None:
    once = run_audit(plan, Work(Cache(tmp_path / "cache")))
    again, told = Counting(tmp_path / "cache"), list[Forecast]()
    rerun = run_audit(plan, Work(again, expect=told.append))
    assert (again.made, told) == (0, []), "and foretells nothing"
    assert foresee(assemble(plan, Work(again))).forecast.pieces == {}, "as nothing is left"
    assert without_timings(rerun) == without_timings(once)
    assert once.timings.keys() - rerun.timings.keys() == {"foretelling"}
    of_face = f"{PER_FACE}{once.cloaks[0].attack}"
    assert rerun.timings[of_face] == pytest.approx(once.timings[of_face], abs=0.01)


def test_audited_noise_is_its_own_control(plan: AuditPlan) -> None:
    scene = assemble(changed(plan, attack="noise"), Work())
    assert scene.pair(scene.tools[0]) == [scene.tools[0]]


def test_a_scenario_that_cloaks_nothing_is_said_so(plan: AuditPlan) -> None:
    with pytest.raises(PlanError, match="cloak none"):
        run_audit(changed(plan, scenario="mixed:0.01"), Work())


def test_who_cannot_learn_from_one_person_leaves_the_rest_of_the_audit(plan: AuditPlan) -> None:
    report = run_audit(changed(plan, background=1, adversary="detection"), Work())
    assert (
        "background has 1 identity"
        in report.adversary("detection").impossible[report.cloaks[0].attack]
    )
    assert {cell.adversary for cell in report.cells} == {"oblivious"}


def ranks_of(cell: Cell) -> list[Outcome]:
    return [outcome for name, outcome in cell.outcomes.items() if name.startswith("rank-")]


def test_no_cloak_changes_no_rank(plan: AuditPlan) -> None:
    report = run_audit(changed(plan, attack="none", adversary="detection"), Work())
    undisturbed = [c for c in report.cells if (c.attack, c.adversary) == ("none", "oblivious")]
    assert len(undisturbed) == 2 * 3 * 2
    assert all(o.cloaked == o.control for c in undisturbed for o in ranks_of(c))
    assert "no-cloaks-seen" in {c.code for c in report.caveats if not c.blocking}


def test_no_cloak_beside_one_leaves_the_verdict_to_that_one(plan: AuditPlan) -> None:
    (inverted,) = plan.publish.attacks
    alone, both = (
        run_audit(changed(plan, attack=attacks, adversary="detection"), Work())
        for attacks in ((inverted,), (inverted, "none"))
    )
    assert both.verdict == alone.verdict
    blocking = [[c.text for c in report.caveats if c.blocking] for report in (alone, both)]
    assert blocking[0] == blocking[1]


def test_what_adversaries_learn_from_and_noise_is_like_is_the_published_photo(
    plan: AuditPlan, tmp_path: Path
) -> None:
    scene = assemble(changed(plan, attack=str(tmp_path / "invert.py")), Work())
    (tool,) = scene.tools
    cloak, noise = scene.pair(tool)
    assert isinstance(noise, EqualNoise)
    assert noise.tool is cloak is tool
    for pictures in (scene.photos.gallery, scene.photos.background):
        held = [
            retouched(photo.pixels(), photo.frame.to(ARCFACE)[None], 1 - 2 * clean[None])
            for photo, clean in zip(pictures.items, pictures.faces(), strict=True)
            if isinstance(photo, PhotoPicture) and photo.frame is not None
        ]
        for made in (tool, tool.for_adversary):
            published = made(pictures, scene.rng())
            assert all(
                (photo.pixels() == whole).all()
                for photo, whole in zip(published.items, held, strict=True)
            )


def test_says_in_how_many_published_pictures_a_face_is_still_found(plan: AuditPlan) -> None:
    report = run_audit(changed(plan, adversary="oblivious"), Work())
    for cell in report.cells:
        found = cell.outcomes[FOUND]
        assert found.control is not None
        assert found.cloaked is not None
        assert found.control.hits == found.control.trials == found.cloaked.trials
        assert found.cloaked.hits == found.cloaked.trials, "nobody is hard to find here"


def test_published_pictures_whose_face_is_lost_are_counted_and_nothing_crashes(
    plan: AuditPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A detector that finds no face in inverted photos, which are the bright ones here."""

    def dark_alone(photos: Sequence[Pixels]) -> list[list[Frame]]:
        return [whole(pixels) if pixels.mean() < 112 else [] for pixels in photos]

    (tmp_path / "bright.py").write_text(
        "class Bright:\n"
        "    def __call__(self, faces, rng): return (faces.images + 0.5).clamp(0, 1)\n"
        "def build(): return Bright()\n"
    )
    monkeypatch.setattr(detection, "detect_all", dark_alone)
    for file in (tmp_path / "photos").rglob("*.png"):
        file.write_bytes(encode(decode(file.read_bytes()) * 0.5, "PNG"))
    report = run_audit(changed(plan, attack=str(tmp_path / "bright.py")), Work())
    cloaked = [c for c in report.cells if not c.attack.startswith("noise@") and c.scenario == "all"]
    assert {c.adversary for c in cloaked} == {"oblivious", "adaptive", "detection"}
    for cell in cloaked:
        found = cell.outcomes[FOUND]
        assert found.control is not None
        assert found.cloaked is not None
        assert sum(found.control.hits) == sum(found.cloaked.trials) == 3 * 4
        assert sum(found.cloaked.hits) == 0
        assert sum(cell.identified.hits) == 0, "a face that is not found is not enrolled"


def test_three_cloaks_are_audited_at_once_each_with_its_noise(
    plan: AuditPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they have in common is computed once: the clean gallery above all."""
    seen: list[int] = []
    plain = TinyNetwork.forward

    def counting(self: TinyNetwork, images: torch.Tensor) -> torch.Tensor:
        if self.card.name == "tiny2":
            seen.extend(hash(image.numpy().tobytes()) for image in images)
        return plain(self, images)

    monkeypatch.setattr(TinyNetwork, "forward", counting)
    attacks = ("lowkey", "none", "lowkey:steps=2")
    report = run_audit(changed(plan, attack=attacks, adversary="oblivious"), Work())
    assert [cloak.attack for cloak in report.cloaks] == list(attacks)
    assert [cloak.control for cloak in report.cloaks] == [f"noise@{name}" for name in attacks]
    measured = {cell.attack for cell in report.cells}
    assert measured == {*attacks, *(f"noise@{name}" for name in attacks)}
    assert report.cloaks[0].quality[0].dssim > report.cloaks[2].quality[0].dssim > 0
    faces_of_clean = photographs.photographs(plan, Work()).gallery.faces()
    for face in faces_of_clean:
        assert seen.count(hash(face.numpy().tobytes())) == 1
