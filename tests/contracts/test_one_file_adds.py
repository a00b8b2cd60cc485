"""One file adds a cloak, a recogniser, an adversary, ...: named by its path, or installed.

All of them take part in one small audit, and the product is not changed for any.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from audit.report import AuditReport
from audit.run import run_audit
from lowkey_core.faces import detection
from lowkey_core.services.asking import Services
from lowkey_core.spec import Spec, canonical
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from reports import render, suffix
from tests.audit.plans import changed
from tests.audit.small import small_plan
from tests.conftest import all_whole
from tests.contracts.one_file_plugins import FILES, PROGRAM, entry_points

ROOT = Path(__file__).parents[2]
PRODUCT = ("lowkey_core", "adversaries", "audit", "reports", "benchmarks")
MOTTO = 'five words: "say, cheese", @all'


@dataclass(frozen=True)
class Audited:
    """One way to add files, and the report of all of them."""

    way: str
    home: Path
    """Where the files are."""
    names: dict[str, str]
    """By what each file is called, the name that it goes by."""
    report: AuditReport
    shown: str | bytes = b""
    """The report in a format of a file, too."""

    @property
    def cloak(self) -> str:
        return str(Spec(self.names["zinnia"], options={"motto": MOTTO}))

    @property
    def command(self) -> str:
        return command(self.home)


def command(home: Path) -> str:
    """A program whose path has spaces."""
    line = f"'{sys.executable}' '{home / 'my tool.py'}' {{in}} {{out}} _high_cloaked.png"
    return str(Spec("command", line))


@pytest.fixture(scope="module", params=["by path", "installed"])
def audited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Audited:
    way, root = request.param, tmp_path_factory.mktemp("one file")
    home = root / "plugins of mine"
    home.mkdir()
    for name, content in FILES.items():
        (home / f"{name}.py").write_text(content)
    (home / "my tool.py").write_text(PROGRAM)
    names = {name: str(home / f"{name}.py") for name in FILES}
    with pytest.MonkeyPatch.context() as patch:
        if way == "installed":
            names = {name: name for name in FILES}
            info = home / "carnival-1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text("Metadata-Version: 2.1\nName: carnival\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text(entry_points())
            patch.syspath_prepend(home)
        patch.setattr(detection, "detect_all", all_whole)
        found = Audited(way, home, names, report=None)  # type: ignore[arg-type]
        plan = changed(
            small_plan(root),
            attack=(found.cloak, names["murmuration"], found.command),
            recogniser=(names["clerkess"], str(root / "net2.py")),
            matcher=names["tallyho"],
            transform=names["veilcloth"],
            scenario=("all", names["weekendish"]),
            measure=names["applausometer"],
            adversary=names["gossipmonger"],
        )
        work = Work(Cache(root / "cache"))
        with Services(work, "allowed") as services:
            report = run_audit(plan, work, services=services)
        assert suffix(names["telegramme"]) == ".tlg"
        return Audited(way, home, names, report, render(names["telegramme"], report))


def test_cloaks_have_a_record_and_cells_and_noise_of_their_energy(audited: Audited) -> None:
    attacks = [canonical(n) for n in (audited.cloak, audited.names["murmuration"], audited.command)]
    assert [cloak.attack for cloak in audited.report.cloaks] == attacks
    controls = [f"noise@{attack}" for attack in attacks]
    assert [cloak.control for cloak in audited.report.cloaks] == controls
    assert {cell.attack for cell in audited.report.cells} == {*attacks, *controls}
    for cloak in audited.report.cloaks:
        made, noise = cloak.quality
        assert made.l2 > 0
        assert noise.l2 == pytest.approx(made.l2, rel=0.011)


def test_a_cloak_is_given_its_option_as_it_was_quoted(audited: Audited) -> None:
    darker = audited.report.cloaks[0].quality[0].linf
    assert darker == pytest.approx(len(MOTTO) / 255, abs=4 / 255)


def test_a_program_cloaks_whole_photos(audited: Audited) -> None:
    inverted = audited.report.cloaks[2].quality[0]
    assert inverted.linf == pytest.approx(0.4, abs=0.05)
    assert inverted.pictures == 3 * 4


def test_a_service_is_asked_as_it_is_and_may_see_no_face(audited: Audited) -> None:
    assert "clerkess" in {r.name for r in audited.report.recognisers}
    cells = [c for c in audited.report.cells if c.recogniser == "clerkess"]
    assert {c.matcher for c in cells} == {"its own"}
    assert {c.adversary for c in cells} == {"oblivious", canonical(audited.names["gossipmonger"])}
    said = (audited.home / "clerkess.log").read_text().split("\n")
    assert {*said} >= {"keys", "indexed", "not indexed", "filled", "found", "no face"}
    assert said.count("deleted") == said.count("made") > 1
    lost = [c.outcomes["applause"].control for c in cells]
    assert any(rate and sum(rate.hits) < sum(rate.trials) for rate in lost)


@pytest.mark.parametrize(
    ("name", "part"),
    [("tallyho", "matcher"), ("veilcloth", "transform"), ("weekendish", "scenario")],
)
def test_a_matcher_a_transform_a_scenario_have_cells(
    audited: Audited, name: str, part: str
) -> None:
    assert canonical(audited.names[name]) in {getattr(c, part) for c in audited.report.cells}


def test_a_scenario_says_who_cloaks(audited: Audited) -> None:
    asked = canonical(audited.names["weekendish"])
    assert {c.cloaked_share for c in audited.report.cells if c.scenario == asked} == {0.5}


def test_a_measure_counts_in_every_cell(audited: Audited) -> None:
    for cell in audited.report.cells:
        counted = cell.outcomes["applause"].cloaked
        assert counted is not None
        assert counted.trials == (2, 2, 2)


def test_an_adversary_asks_its_question_and_runs_every_cloak(audited: Audited) -> None:
    record = audited.report.adversary(canonical(audited.names["gossipmonger"]))
    assert record.question == "Who told whom?"
    assert not record.impossible
    attacks = [cloak.attack for cloak in audited.report.cloaks]
    assert {attack: record.learned[attack]["cloaked_seen"] for attack in attacks} == dict.fromkeys(
        attacks, 1.0
    )


def test_a_report_format_may_give_bytes(audited: Audited) -> None:
    assert isinstance(audited.shown, bytes)
    assert audited.shown.decode("utf-16").count(" STOP ") == 2


@pytest.mark.parametrize("name", FILES)
def test_no_file_of_the_product_knows_its_name(name: str) -> None:
    files = [f for package in PRODUCT for f in (ROOT / package).rglob("*") if f.is_file()]
    files += [ROOT / "cli.py", ROOT / "pyproject.toml"]
    assert len(files) > 100
    assert not [f for f in files if name in f.read_bytes().decode(errors="ignore")]
