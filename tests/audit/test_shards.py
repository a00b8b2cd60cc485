"""Shards make the cloaks, a merge measures: what it finds is what one run finds."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from torch import Generator, Tensor

import cli
from audit import runs, session, shards
from audit.dealing import batches, cloak
from audit.plan import AuditPlan
from audit.report import AuditReport, read
from audit.scene import assemble
from audit.shards import Shard
from lowkey_core.cloaks import CloakAbout
from lowkey_core.errors import OptionError, RunError
from lowkey_core.publish.tool import CloakTool
from lowkey_core.types import Faces
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.audit.plans import changed
from tests.audit.small import Counting, StopHereError, without_timings
from tests.conftest import people

SHARDS = [Shard(number, 4) for number in range(1, 5)]
COUNTED = """
from pathlib import Path
class Counted:
    def __call__(self, faces, rng):
        with Path({log!r}).open("a") as file:
            file.write(" ".join(faces.names) + "\\n")
        return 1 - faces.images
def build(): return Counted()
"""


@pytest.fixture
def small(plan: AuditPlan, tmp_path: Path) -> AuditPlan:
    """Batches of two pictures, and probes that are cloaked too."""
    (tmp_path / "counted.py").write_text(COUNTED.format(log=str(tmp_path / "log")))
    return changed(
        plan,
        attack=str(tmp_path / "counted.py"),
        scenario=("all", "one", "mutual"),
        batch=2,
    )


def calls(folder: Path) -> list[str]:
    """The names of each batch that was cloaked since this was asked last."""
    log = folder / "log"
    said = log.read_text().splitlines() if log.is_file() else []
    log.unlink(missing_ok=True)
    return said


def made(plan: AuditPlan, root: Path) -> list[Path]:
    """The folders of finished shards with a common cache."""
    folders = []
    for shard in SHARDS:
        folder = root / f"shard{shard.number}"
        with session.begin(plan, folder, root / "cache", shard) as begun:
            begun.cloak(shard)
        folders.append(folder)
    return folders


def whole(plan: AuditPlan, root: Path) -> AuditReport:
    with session.begin(plan, root / "run", root / "cache") as begun:
        return begun.run()


def made_here(logged: pytest.LogCaptureFixture) -> dict[str, int]:
    """By label, how many cloaks or controls were made, and not found."""
    said = (re.fullmatch(r"(.*): \d+ found in the cache, (\d+) made", m) for m in logged.messages)
    counts = {found[1]: int(found[2]) for found in said if found and int(found[2])}
    return {k: n for k, n in counts.items() if k.startswith(("cloaking", "adding noise"))}


def test_four_shards_merged_are_one_run(
    small: AuditPlan, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    expected = whole(small, tmp_path / "alone")
    alone = calls(tmp_path)
    assert made_here(caplog)
    folders, mine = [], []
    for shard in SHARDS:
        folder = tmp_path / f"shard{shard.number}"
        with session.begin(small, folder, tmp_path / "cache", shard) as begun:
            begun.cloak(shard)
        folders.append(folder)
        mine.append(calls(tmp_path))
    assert all(mine), "each has something to do"
    assert sorted(line for part in mine for line in part) == sorted(alone)
    assert max(map(len, mine)) - min(map(len, mine)) <= 1
    plan = shards.merged(folders[::-1])
    assert plan == small
    caplog.clear()
    with session.begin(plan, tmp_path / "run", tmp_path / "cache") as begun:
        found = begun.run()
    assert calls(tmp_path) == []
    assert made_here(caplog) == {}
    assert without_timings(found) == without_timings(expected)
    assert without_timings(read(tmp_path / "run")) == without_timings(expected)


def test_the_splits_of_several_seeds_are_dealt_out_too(small: AuditPlan, tmp_path: Path) -> None:
    plan = changed(small, seeds=2, adversary="oblivious", scenario="all")
    expected = whole(plan, tmp_path / "alone")
    calls(tmp_path)
    folders = made(plan, tmp_path)
    calls(tmp_path)
    found = whole(shards.merged(folders), tmp_path)
    assert calls(tmp_path) == []
    assert without_timings(found) == without_timings(expected)


class Inverted:
    """Of pictures, or of all pictures of a person at once."""

    def __init__(self, unit: str) -> None:
        self.about = CloakAbout(against=(), unit=unit)  # type: ignore[arg-type]

    def __call__(self, faces: Faces, rng: Generator) -> Tensor:
        return 1 - faces.images


@pytest.mark.parametrize("unit", ["picture", "identity"])
@pytest.mark.parametrize("batch", [1, 3, 7, 100])
def test_parts_are_what_is_cloaked_together(unit: str, batch: int, tmp_path: Path) -> None:
    """Cloaked one by one they leave in the cache just what all at once does."""

    def kept(root: Path, *, at_once: bool) -> set[str]:
        tool = CloakTool("inverted", Inverted(unit), Work(Cache(root)), batch)
        pictures = people(4, 3)
        pictures = pictures.select([*range(0, 12, 2), *range(1, 12, 2)])  # nobody's side by side
        for part in [pictures] if at_once else tool.parts(pictures):
            tool(part, Generator().manual_seed(5))
        return {path.name for path in root.rglob("*.safetensors")}

    whole = kept(tmp_path / "a", at_once=True)
    assert kept(tmp_path / "b", at_once=False) == whole
    assert len(whole) == 12


def test_every_batch_is_one_shards(small: AuditPlan) -> None:
    count = len([*batches(assemble(small, Work()))])
    assert count > len(SHARDS)
    for number in range(count):
        assert [shard.has(number) for shard in SHARDS].count(True) == 1


def test_a_killed_shard_goes_on(small: AuditPlan, tmp_path: Path) -> None:
    second, full = SHARDS[1], Counting(tmp_path / "full")
    cloak(small, second, Work(full))
    calls(tmp_path)
    with pytest.raises(StopHereError):
        cloak(small, second, Work(Counting(tmp_path / "cut", full.made - 3)))
    rest = Counting(tmp_path / "cut")
    cloak(small, second, Work(rest))
    assert 3 <= rest.made <= 3 + 1, "the batch of two that was interrupted is made whole"
    kept = [{path.name for path in (tmp_path / r).rglob("*.safetensors")} for r in ("full", "cut")]
    assert kept[0] == kept[1]


@pytest.fixture
def noted(plan: AuditPlan, tmp_path: Path) -> list[Path]:
    """Folders as finished shards leave them; nothing was made."""
    folders = []
    for shard in SHARDS:
        folder = tmp_path / str(shard.number)
        runs.begin(folder, plan, str(shard))
        shards.finish(folder, plan, shard, 3)
        folders.append(folder)
    return folders


def test_shards_in_any_order_are_whole(noted: list[Path], plan: AuditPlan) -> None:
    assert shards.merged(noted) == shards.merged(noted[::-1]) == plan


def test_what_is_no_set_of_shards_is_named(
    noted: list[Path], plan: AuditPlan, tmp_path: Path
) -> None:
    one, two, three, four = noted
    with pytest.raises(RunError, match=r"3 of 4 shards; .* lacking are 2/4; run those"):
        shards.merged([one, three, four])
    with pytest.raises(RunError, match="5 folders hold 4 of 4 shards; expected each shard once"):
        shards.merged([*noted, one])
    runs.begin(tmp_path / "other", changed(plan, seed=1), "2/4")
    with pytest.raises(RunError, match="is shard 2/4 of another plan"):
        shards.merged([one, tmp_path / "other", three, four])
    runs.begin(tmp_path / "eighth", plan, "2/8")
    with pytest.raises(RunError, match="is shard 2/8 of another plan"):
        shards.merged([one, tmp_path / "eighth", three, four])
    runs.begin(tmp_path / "run", plan)
    with pytest.raises(RunError, match="run is no shard, but a whole run"):
        shards.merged([one, two, three, tmp_path / "run"])
    with pytest.raises(RunError, match="is not the plan of a run"):
        shards.merged([one, tmp_path / "nothing"])


def test_an_unfinished_shard_is_named(noted: list[Path], plan: AuditPlan) -> None:
    file = noted[2] / shards.FINISHED
    shards.finish(noted[2], changed(plan, seed=1), SHARDS[2], 3)
    with pytest.raises(RunError, match=r"shard 3/4 is not finished: .* of another plan"):
        shards.merged(noted)
    file.write_text("{")
    with pytest.raises(RunError, match="shard 3/4 is not finished"):
        shards.merged(noted)
    file.unlink()
    with pytest.raises(RunError, match=r"it is not there; .*; go on with it: resume=.*3"):
        shards.merged(noted)


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "1/0", "-1/4", "1/99999", "a/b", "1/4/2"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="expected a shard and how many there are, as 3/8"):
        shards.parsed(text)


def test_a_whole_run_notes_no_shard(plan: AuditPlan, tmp_path: Path) -> None:
    runs.begin(tmp_path, plan)
    assert "shard" not in (tmp_path / runs.PLAN).read_text()
    assert runs.started(tmp_path).shard == ""


def typed(words: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["lowkey-audit", *words.split()])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


def test_shards_and_merge_as_they_are_typed(
    small: AuditPlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = (
        "--dataset photos --attack counted.py --surrogate net1.py --recogniser net2.py --batch 4 "
        "--adversary oblivious --scenario all --protected 3 --probes 2 --gallery 4 --background 4 "
        "--background-pictures 4 --others 3 --distractors 0 --ranks 1,3 --cache kept"
    )
    assert typed(f"audit {plan} --shard 1/2 --out one", monkeypatch) == 0
    assert "shard 1/2 is done: 2 batches" in capsys.readouterr().err
    assert typed("merge one --cache kept --trust", monkeypatch) == 2
    assert "lacking are 2/2" in capsys.readouterr().err
    assert typed(f"audit {plan} --shard 2/2 --out two --gate x.toml", monkeypatch) == 2
    assert "--gate was given for a shard" in capsys.readouterr().err
    runs.begin(Path("two"), runs.started(Path("one")).plan, "2/2")
    assert typed("audit --resume two --cache kept --trust", monkeypatch) == 0
    calls(tmp_path)
    assert "shard 2/2 is done: 1 batches" in capsys.readouterr().err
    assert [line.split()[-2:] for line in runs.listing(tmp_path) if "shard" in line]
    assert typed("merge one two --out all --cache kept --trust", monkeypatch) in (0, 3)
    assert calls(tmp_path) == []
    assert read(Path("all")).plan == runs.started(Path("one")).plan


def test_a_shard_asks_no_service(
    small: AuditPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It searches nobody, so that it needs neither keys nor leave; no test may use a socket."""
    monkeypatch.delenv("FACEPP_API_KEY", raising=False)
    asked = changed(small, recogniser=("facepp",), adversary=("oblivious",))
    assert cloak(asked, Shard(1, 4), Work(Cache(tmp_path / "cache")))
