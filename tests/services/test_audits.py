"""Whole audits with a service among the recognisers: the same ranks as the network inside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from audit import session
from audit.outcomes import INDEXED, Cell, rank
from audit.plan import AuditPlan
from audit.report import AuditReport
from lowkey_core.errors import AuditError, ServiceError
from lowkey_core.services.journal import FOLDER, Journal
from lowkey_core.types import Pixels
from tests.audit.plans import changed
from tests.audit.small import small_plan, without_timings
from tests.services.stand_in import KEY, SECRET, StandIn

pytestmark = pytest.mark.enable_socket
EVERY = pytest.mark.parametrize("name", ["rekognition"])
FAST = ":rate=1000000"


def plan(root: Path, name: str) -> AuditPlan:
    """The network inside the service, and the service."""
    return changed(
        small_plan(root),
        recogniser=(str(root / "net2.py"), name + FAST),
        adversary="oblivious",
        scenario="all",
        ranks=(1, 2, 3),
    )


def run(root: Path, name: str, **given: object) -> AuditReport:
    made = changed(plan(root, name), **given)
    with session.begin(made, root / "run", root / "cache", network=True) as begun:
        return begun.run()


def cells(report: AuditReport, recogniser: str) -> dict[tuple[str, str], Cell]:
    return {(c.attack, c.transform): c for c in report.cells if c.recogniser == recogniser}


@EVERY
def test_a_service_finds_whom_the_network_inside_it_finds(
    service: StandIn, tmp_path: Path, name: str
) -> None:
    report = run(tmp_path, name)
    direct, asked = cells(report, "tiny2"), cells(report, f"simulated-{name}")
    assert len(direct) == 6
    assert direct.keys() == asked.keys()
    hits = set()
    for place, cell in direct.items():
        for k in (1, 2, 3):
            own, other = cell.outcomes[rank(k)], asked[place].outcomes[rank(k)]
            assert (own.control, own.cloaked) == (other.control, other.cloaked), (place, k)
            hits |= {sum(found.hits) for found in (own.control, own.cloaked) if found}
    assert len(hits) > 2, "the cloak and the ranks make a difference"
    assert not service.stores


@EVERY
def test_a_report_says_simulated_and_where_and_what_was_answered(
    service: StandIn, tmp_path: Path, name: str
) -> None:
    report = run(tmp_path, name)
    record = report.recognisers[1]
    assert record.name == f"simulated-{name}"
    assert (record.service, record.simulated) == (True, True)
    assert record.host == service.url.removeprefix("http://")
    assert record.released is None
    assert record.answers == {"index: indexed": 9 * 24, "search: answered": 9 * 6}
    assert "simulated-service" in {c.code for c in report.caveats}
    for cell in cells(report, record.name).values():
        assert cell.outcomes[INDEXED].cloaked == cell.outcomes[INDEXED].control
        assert cell.outcomes[INDEXED].cloaked.trials == (4, 4, 4)
    assert (
        INDEXED not in cells(report, "tiny2")["noise@" + report.cloaks[0].attack, "none"].outcomes
    )


@EVERY
def test_a_rerun_asks_nothing_and_finds_the_same(
    service: StandIn, tmp_path: Path, name: str
) -> None:
    first = run(tmp_path, name)
    asked = len(service.asked)
    service.always.clear()
    assert without_timings(run(tmp_path, name)) == without_timings(first)
    assert len(service.asked) == asked


@EVERY
def test_without_leave_nothing_is_sent(service: StandIn, tmp_path: Path, name: str) -> None:
    with (
        session.begin(plan(tmp_path, name), tmp_path / "run", tmp_path / "cache") as begun,
        pytest.raises(ServiceError, match="allow_network"),
    ):
        begun.run()
    assert not service.asked


@EVERY
def test_without_keys_it_fails_before_anything_is_sent(
    service: StandIn, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AZURE_FACE_KEY", "FACEPP_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(AuditError, match="key"):
        run(tmp_path, name)
    assert not service.asked
    foreseen = session.foresee(plan(tmp_path, name), tmp_path / "cache")
    assert foreseen.services, "what would be sent is told without keys"


@EVERY
def test_a_dry_run_tells_what_a_run_sends_and_sends_nothing(
    service: StandIn, tmp_path: Path, name: str
) -> None:
    made = plan(tmp_path, name)
    lines = session.foresee(made, tmp_path / "cache").services
    assert not service.asked
    told = list[str]()
    with session.begin(made, tmp_path / "run", tmp_path / "cache", network=True) as begun:
        begun.run(say=lambda *lines: told.extend((*lines, f"{len(service.asked)} were asked")))
    assert told[-1] == "0 were asked", "it is said before"
    for said in (lines, told):
        text = "\n".join(said)
        assert service.url in text
        assert "simulated" in text
        assert str(tmp_path / "photos") in text
        assert "1e+06 calls a second" in text
        assert f"{len(service.asked):,} calls" in text
        assert "services clean" in text
    again = session.foresee(made, tmp_path / "cache").services
    assert "nothing is sent" in "\n".join(again)


def dark(pixels: Pixels) -> bool:
    return float(pixels.mean()) < 120


@EVERY
def test_a_photo_without_a_face_is_counted_and_its_neighbours_are_found(
    service: StandIn, tmp_path: Path, name: str
) -> None:
    service.sees = lambda pixels: not dark(pixels)
    report = run(tmp_path, name)
    answers = report.recognisers[1].answers
    assert 0 < answers["index: no face"] < 9 * 24
    assert 0 < answers["search: no face"] < 9 * 6
    assert answers["index: indexed"] + answers["index: no face"] == 9 * 24
    assert "not-indexed" in {c.code for c in report.caveats}
    found = [c.outcomes[rank(1)].control for c in cells(report, f"simulated-{name}").values()]
    assert all(0 < sum(r.hits) < sum(r.trials) for r in found if r)


@EVERY
def test_no_key_is_written_anywhere(
    service: StandIn, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "lowkey_core")
    caplog.set_level("DEBUG", "audit")
    run(tmp_path, name)
    files = [f for f in tmp_path.rglob("*") if f.is_file()]
    assert any(f.name == "report.json" for f in files)
    for secret in (KEY, SECRET):
        assert not [f for f in files if secret.encode() in f.read_bytes()]
        assert secret not in caplog.text


@EVERY
def test_where_it_fails_the_collection_is_deleted(
    service: StandIn, tmp_path: Path, name: str, refusals: dict[str, Callable[[StandIn], None]]
) -> None:
    refusals[name](service)
    with pytest.raises(ServiceError):
        run(tmp_path, name)
    assert service.asked
    assert not service.stores
    assert not Journal(tmp_path / "cache" / FOLDER).entries()


@EVERY
def test_plans_and_reports_of_it_can_be_read_again(
    service: StandIn, tmp_path: Path, name: str
) -> None:
    report = run(tmp_path, name)
    again = AuditReport.model_validate(json.loads((tmp_path / "run" / "report.json").read_text()))
    assert again == report
