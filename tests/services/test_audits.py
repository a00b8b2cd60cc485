"""Whole audits with a service among the recognisers: the same ranks as the network inside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from audit import session
from audit.outcomes import INDEXED, Cell, rank
from audit.pairs import pairs
from audit.plan import AuditPlan
from audit.report import AuditReport, read
from lowkey_core.errors import AuditError, ServiceError
from lowkey_core.services.journal import FOLDER, Journal
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.audit.plans import changed
from tests.audit.small import small_plan, without_timings
from tests.services.conftest import listening
from tests.services.galleries import NAMES, StopError
from tests.services.stand_in import KEY, SECRET, StandIn

pytestmark = pytest.mark.enable_socket
every = pytest.mark.parametrize("name", NAMES)
PHOTOS, SEARCHES, GALLERIES = 18, 6, 9
"""In a gallery; in each; for three transforms one clean, one cloaked and one of noise."""


def plan(root: Path, name: str) -> AuditPlan:
    """The network inside the service, and the service."""
    return changed(
        small_plan(root),
        attack=str(root / "invert.py"),
        recogniser=(str(root / "net2.py"), f"{name}:rate=1000000"),
        adversary="oblivious",
        scenario="all",
        gallery=3,
        ranks=(1, 2, 3),
    )


def run(root: Path, name: str) -> AuditReport:
    with session.begin(plan(root, name), root / "run", root / "cache", network=True) as begun:
        return begun.run()


def photos(asked: list[tuple[str, str, str]]) -> Counter[tuple[str, str]]:
    """How often each was sent for what."""
    return Counter((operation, digest) for operation, _, digest in asked if digest)


def cells(report: AuditReport, recogniser: str) -> dict[tuple[str, str], Cell]:
    return {(c.attack, c.transform): c for c in report.cells if c.recogniser == recogniser}


@dataclass(frozen=True)
class Whole:
    """What is to be sent, a run, and the same command again."""

    name: str
    root: Path
    service: StandIn
    foreseen: tuple[str, ...]
    """The lines of a dry run."""
    asked_before: int
    """After the dry run, and when the run said what it would send."""
    told: list[str]
    report: AuditReport
    asked: int
    again: AuditReport
    asked_again: int
    foreseen_again: tuple[str, ...]

    @property
    def own(self) -> dict[tuple[str, str], Cell]:
        return cells(self.report, f"simulated-{self.name}")


DIALECTS = [
    pytest.param("rekognition", marks=pytest.mark.slow),
    pytest.param("azure-face", marks=pytest.mark.slow),
    "facepp",
]
"""What is not of an audit is asked in every dialect by the other files."""


@pytest.fixture(scope="module", params=DIALECTS)
def whole(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Whole]:
    root, name = tmp_path_factory.mktemp("whole"), request.param
    told, counted = list[str](), list[int]()
    with listening(root) as service:
        made, cache = plan(root, name), root / "cache"
        foreseen = session.foresee(made, cache).services
        with session.begin(made, root / "run", cache, network=True) as begun:

            def say(*lines: str) -> None:
                told.extend(lines)
                counted.append(len(service.asked))

            report = begun.run(say=say)
        asked = len(service.asked)
        again = run(root, name)
        yield Whole(
            name,
            root,
            service,
            foreseen,
            max(counted),
            told,
            report,
            asked,
            again,
            len(service.asked),
            session.foresee(made, cache).services,
        )


def test_a_service_finds_whom_the_network_inside_it_finds(whole: Whole) -> None:
    direct = cells(whole.report, "tiny2")
    assert len(direct) == 6
    assert direct.keys() == whole.own.keys()
    hits = set()
    for place, cell in direct.items():
        for k in (1, 2, 3) if whole.name != "facepp" else (1, 2):  # it names five faces
            one, other = cell.outcomes[rank(k)], whole.own[place].outcomes[rank(k)]
            assert (one.control, one.cloaked) == (other.control, other.cloaked), (place, k)
            hits |= {sum(found.hits) for found in (one.control, one.cloaked) if found}
    assert len(hits) > 1, "the cloak makes a difference"


def test_nothing_is_left_at_the_service(whole: Whole) -> None:
    assert whole.asked
    assert not whole.service.stores
    assert not Journal(whole.root / "cache" / FOLDER).entries()


def test_a_report_says_simulated_and_where_and_what_was_answered(whole: Whole) -> None:
    record = whole.report.recognisers[1]
    assert record.name == f"simulated-{whole.name}"
    assert (record.service, record.simulated) == (True, True)
    assert record.host == whole.service.url.removeprefix("http://")
    assert record.released is None
    assert record.answers == {
        "index: indexed": GALLERIES * PHOTOS,
        "search: answered": GALLERIES * SEARCHES,
    }
    assert "simulated-service" in {c.code for c in whole.report.caveats}
    assert {c.recogniser for c in whole.report.cells} == {"tiny2", record.name}
    assert read(whole.root / "run") == whole.again


def test_ranks_at_which_five_faces_may_be_of_two_people_are_doubted(whole: Whole) -> None:
    doubted = {c.code: c.text for c in whole.report.caveats}
    assert ("few-candidates" in doubted) == (whole.name == "facepp")
    assert "at ranks above 2" in doubted.get("few-candidates", "at ranks above 2")


def test_every_cell_of_a_service_counts_what_it_indexed(whole: Whole) -> None:
    for cell in whole.own.values():
        taken = cell.outcomes[INDEXED]
        assert taken.cloaked == taken.control
        assert taken.cloaked is not None
        assert (taken.cloaked.hits, taken.cloaked.trials) == ((3, 3, 3), (3, 3, 3))
    assert not [c for c in cells(whole.report, "tiny2").values() if INDEXED in c.outcomes]


def test_a_rerun_asks_nothing_and_finds_the_same(whole: Whole) -> None:
    assert without_timings(whole.again) == without_timings(whole.report)
    assert whole.asked_again == whole.asked
    assert "nothing is sent" in "\n".join(whole.foreseen_again)


def test_what_is_sent_is_told_before_by_a_dry_run_and_by_the_run(whole: Whole) -> None:
    assert whole.asked_before == 0
    for said in (whole.foreseen, tuple(whole.told)):
        text = "\n".join(said)
        assert whole.service.url in text
        assert "simulated" in text
        assert str(whole.root / "photos") in text
        assert "1e+06 calls a second" in text
        assert f"{whole.asked:,} calls" in text
        assert "services clean" in text


def test_a_report_after_an_interruption_is_that_of_one_run(whole: Whole, tmp_path: Path) -> None:
    service, start = whole.service, len(whole.service.asked)

    def stop(label: str, done: int, _: int) -> None:
        if label == f"simulated-{whole.name}: searches" and done == 4:
            raise StopError

    made = plan(tmp_path, whole.name)
    with (
        pytest.raises(StopError),
        session.begin(made, tmp_path / "run", tmp_path / "cache", network=True) as begun,
    ):
        begun.run(stop)
    assert len(service.stores) == 2, "the clean gallery, and the first that is cloaked"
    before = len(service.asked)
    found = run(tmp_path, whole.name)
    assert not service.stores
    assert start < before < len(service.asked)
    assert photos(service.asked[start:]) == photos(service.asked[: whole.asked]), "none again"
    assert without_timings(found).replace(str(tmp_path), "") == without_timings(
        whole.report
    ).replace(str(whole.root), "")


def test_no_key_is_written_anywhere(whole: Whole) -> None:
    files = [f for f in whole.root.rglob("*") if f.is_file()]
    assert any(f.name == "report.json" for f in files)
    for secret in (KEY, SECRET):
        assert not [f for f in files if secret.encode() in f.read_bytes()]


def test_a_cloak_whose_photos_are_not_taken_is_counted_so(service: StandIn, tmp_path: Path) -> None:
    service.sees = lambda pixels: float(pixels.mean()) < 127
    made = changed(plan(tmp_path, "rekognition"), gallery=2, probes=1)
    with session.begin(made, tmp_path / "run", tmp_path / "cache", network=True) as begun:
        report = begun.run()
    answers = report.recognisers[1].answers
    sent = GALLERIES * PHOTOS * 2 // 3
    assert 0 < answers["index: no face"] < sent
    assert answers["index: indexed"] + answers["index: no face"] == sent
    assert "not-indexed" in {c.code for c in report.caveats}
    taken = cells(report, "simulated-rekognition")[str(tmp_path / "invert.py"), "none"]
    counted = taken.outcomes[INDEXED]
    assert counted.control != counted.cloaked, "dark photos are light when they are inverted"


@every
def test_without_leave_nothing_is_sent(service: StandIn, tmp_path: Path, name: str) -> None:
    with (
        session.begin(plan(tmp_path, name), tmp_path / "run", tmp_path / "cache") as begun,
        pytest.raises(ServiceError, match="allow_network"),
    ):
        begun.run()
    assert not service.asked


def test_photos_beside_their_copies_are_not_sent(service: StandIn, tmp_path: Path) -> None:
    found = pairs(plan(tmp_path, "facepp"), Work(Cache(tmp_path / "cache")))
    assert [*found[0].likeness] == ["tiny2"], "the network gives embeddings, the service none"
    assert not service.asked


@every
def test_without_keys_it_fails_before_anything_is_sent(
    service: StandIn, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AZURE_FACE_KEY", "FACEPP_API_KEY"):
        monkeypatch.delenv(variable)
    with pytest.raises(AuditError, match="key"):
        run(tmp_path, name)
    assert not service.asked
