"""What trains on the gallery runs once for each, unless the plan asks for more; and other tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import measuring
from audit.contests import NO_SCENARIO, NOT_EVERYWHERE
from audit.findings import answers
from audit.plan import BASELINE, AuditPlan
from audit.report import AuditReport
from audit.run import run_audit
from audit.scene import assemble
from audit.tools import Mixed
from lowkey_core.errors import OptionError
from lowkey_core.publish.tool import CloakTool
from lowkey_core.work.cache import Cache
from lowkey_core.work.forecast import Forecast
from lowkey_core.work.work import Work
from tests.audit.plans import changed
from tests.audit.small import small_plan

pytestmark = pytest.mark.usefixtures("nobody_real")
E2E = "adaptive:e2e:rounds=1"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> AuditPlan:
    folder = tmp_path_factory.mktemp("small")
    return changed(
        small_plan(folder),
        attack=str(folder / "invert.py"),
        adversary=(E2E, "oblivious:e2e:rounds=1"),
        epochs=1,
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(tmp_path_factory.mktemp("cache"))


def places(report: AuditReport, adversary: str) -> set[tuple[str, str]]:
    return {(c.scenario, c.transform) for c in report.cells if c.adversary == adversary}


def test_they_face_everybody_cloaking_as_published_and_the_report_says_so(
    plan: AuditPlan, cache: Cache
) -> None:
    plan = changed(plan, scenario=("one", "all"), matcher=("nn", "linear"))
    report = run_audit(plan, Work(cache))
    for name in (E2E, "oblivious:e2e:rounds=1"):
        assert places(report, name) == {("all", "none")}
        cells = [c for c in report.cells if c.adversary == name]
        assert {c.matcher for c in cells} == {"nn"}
        assert {c.recogniser for c in cells} == {report.recognisers[0].name}
        assert report.adversary(name).left_out == NOT_EVERYWHERE
        (caveat,) = [c for c in report.caveats if c.text.startswith(f"{name}: ")]
        assert (caveat.code, caveat.blocking) == ("not-everywhere", False)
        (answer,) = [a for a in answers(report) if a.question == report.adversary(name).question]
        assert [f.cell.scenario for f in answer.findings] == ["all"], "not of the first scenario"
    noise = report.cloaks[0].control
    faced = {c.attack for c in report.cells if c.adversary == "oblivious:e2e:rounds=1"}
    assert faced == {report.cloaks[0].attack, noise}, "who never runs the tool faces noise, too"
    assert not report.adversary(BASELINE).left_out
    assert AuditReport.model_validate_json(report.model_dump_json()) == report


def test_a_plan_may_ask_for_more(plan: AuditPlan, cache: Cache) -> None:
    plan = changed(plan, scenario=("all", "mixed:0.5"), adversary=E2E, everywhere=True)
    report = run_audit(plan, Work(cache))
    transforms = plan.publish.transforms
    assert places(report, E2E) == {(s, t) for s in plan.publish.scenarios for t in transforms}
    assert not report.adversary(E2E).left_out
    assert "not-everywhere" not in {c.code for c in report.caveats}


def test_a_plan_may_have_each_recogniser_trained_in_turn(plan: AuditPlan, cache: Cache) -> None:
    recognisers = plan.adversaries.recognisers
    assert len(recognisers) > 1
    report = run_audit(changed(plan, adversary=E2E, each=True), Work(cache))
    tried = {c.recogniser for c in report.cells if c.adversary == E2E}
    assert tried == {r.name for r in report.recognisers}
    assert places(report, E2E) == {("all", "none")}, "with each, but not everywhere"


def test_without_that_scenario_it_is_not_possible_and_the_rest_goes_on(
    plan: AuditPlan, cache: Cache
) -> None:
    report = run_audit(changed(plan, scenario="mixed:0.5", adversary=E2E), Work(cache))
    assert report.adversary(E2E).impossible == {report.cloaks[0].attack: NO_SCENARIO}
    assert {c.adversary for c in report.cells} == {BASELINE}


def test_who_fails_on_the_clean_gallery_is_not_trained_on_others(
    plan: AuditPlan, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing could be concluded from those. And the time left no longer counts them."""
    attack = plan.publish.attacks[0]
    name, sound = "oblivious:e2e:rounds=1", run_audit(plan, Work(cache))
    (found,) = {c.control.value for c in sound.cells if c.adversary == name}
    assert found is not None
    monkeypatch.setattr(measuring, "MIN_CONTROL", found + 0.01)
    begun: list[str] = []
    told: list[Forecast] = []
    work = Work(
        show=lambda label, done, _total: begun.extend([label] * (done == 0)), expect=told.append
    )
    report = run_audit(changed(plan, adversary=name), work)
    reason = report.adversary(name).impossible[attack]
    assert f"trained on the clean gallery, it recognises {found:.2f} of the clean probes" in reason
    assert "inconclusive" in reason
    assert {c.adversary for c in report.cells} == {BASELINE}
    (training,) = [label for label in begun if label.endswith("on the gallery")]
    assert told[0].pieces[training] == told[0].done[training] > 0


def test_trainings_on_galleries_are_foretold(plan: AuditPlan) -> None:
    from audit.forecast import foresee

    pieces = foresee(assemble(plan, Work())).forecast.pieces
    label = next(label for label in pieces if label.endswith("on the gallery"))
    galleries = 2 + 3  # clean and cloaked; and with noise for who never runs the tool
    assert pieces[label] == galleries * 16


def test_an_adversary_may_run_another_tool_than_the_audited_one(
    plan: AuditPlan, cache: Cache
) -> None:
    """A tool that changes nothing teaches nothing, and draws the caveat under its own name."""
    report = run_audit(changed(plan, adversary="adaptive@none", scenario="all"), Work(cache))
    (facts,) = report.adversary("adaptive@none").learned.values()
    assert facts["cloaked_seen"] == 0.0
    (caveat,) = [c for c in report.caveats if c.code == "no-cloaks-seen"]
    assert caveat.text.endswith("changed by none.")


def test_several_tools_take_turns_by_person(plan: AuditPlan) -> None:
    invert = plan.publish.attacks[0]
    name = f'adaptive@"none+{invert}"'
    scene = assemble(changed(plan, adversary=name), Work())
    (mixed,) = scene.instead.values()
    assert isinstance(mixed, Mixed)
    background = scene.photos.background
    made = mixed.for_adversary(background, scene.rng())
    assert made.names == background.names
    same = [a == b for a, b in zip(made.digests, background.digests, strict=True)]
    turns = [background.people.index(p.identity) % 2 == 0 for p in background.items]
    assert same == turns


def test_options_of_one_tool_need_no_quotes(plan: AuditPlan) -> None:
    scene = assemble(changed(plan, adversary="adaptive@lowkey:steps=3"), Work())
    (tool,) = scene.instead.values()
    assert isinstance(tool, CloakTool)
    assert tool.name == "lowkey:steps=3"
    assert tool.cloak.schedule.steps == 3  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("oblivious@lowkey", "never runs one"),
        ("oblivious:e2e@lowkey", "never runs one"),
        ("adversarial-training:fgsm@lowkey", "never runs one"),
        ("adaptive@lowkye", "did you mean 'lowkey'"),
        ("adaptive@folder:{folder}", "finished copies"),
    ],
)
def test_what_cannot_be_run_is_refused(
    name: str, why: str, plan: AuditPlan, tmp_path: Path
) -> None:
    from lowkey_core.errors import AuditError

    (tmp_path / "copy.png").write_bytes(b"")
    with pytest.raises(AuditError, match=why) as refused:
        assemble(changed(plan, adversary=name.format(folder=tmp_path)), Work())
    if "did you" not in why:
        assert isinstance(refused.value, OptionError)
