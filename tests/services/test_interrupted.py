"""Killed in the middle: what was answered is not asked again, and no collection is forgotten."""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli
from audit.services import clean
from lowkey_core.services import journal
from lowkey_core.services.asking import MOST_OPEN, Services
from lowkey_core.services.journal import FOLDER, Journal, Line
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.services import amazon
from tests.services.galleries import (
    EVERYBODY,
    NAMES,
    PROBES,
    asked,
    interrupted,
    search,
)
from tests.services.stand_in import StandIn

pytestmark = pytest.mark.enable_socket
every = pytest.mark.parametrize("name", NAMES)
ROOT = Path(__file__).parents[2]
CHILD = """
import sys
from pathlib import Path
from lowkey_core.faces import detection
from tests.conftest import all_whole
from tests.services.galleries import search
detection.detect_all = all_whole
search(Path(sys.argv[1]), sys.argv[2])
"""
IN_BETWEEN = {
    "index": {"rekognition": 5, "azure-face": 12, "facepp": 9},
    "search": {"rekognition": 11, "azure-face": 30, "facepp": 20},
}
"""Requests after which it is killed, the next one not answered."""


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("rekognition", "index"),
        pytest.param("rekognition", "search", marks=pytest.mark.slow),
        ("azure-face", "index"),
        pytest.param("azure-face", "search", marks=pytest.mark.slow),
        pytest.param("facepp", "index", marks=pytest.mark.slow),
        ("facepp", "search"),
    ],
)
def test_killed_it_goes_on_and_asks_nothing_twice(
    service: StandIn, tmp_path: Path, name: str, step: str
) -> None:
    service.holds_after = killed = IN_BETWEEN[step][name]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), name],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert service.held.wait(240)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    service.holds_after = None
    service.released.set()
    (collection,) = service.stores
    (entry,) = Journal(tmp_path / "cache" / FOLDER).entries()
    assert entry.read()
    assert entry.collection == collection, "what was made is still there, and noted"
    done = sum(not line.said for line in entry.lines.values())
    assert (done == 8) == (step == "search")
    found, candidates = search(tmp_path, name)
    assert found.answers == {"index: indexed": 8, "search: answered": 4}
    sent = Counter(request for request in service.asked if request[2])
    twice = [request for request, n in sent.items() if n > 1]
    # A photo is looked at, then used: what was not used yet is looked at again.
    assert len(twice) <= 1
    assert all(request in service.asked[killed - 1 : killed + 1] for request in twice)
    assert not service.stores
    _, straight = search(tmp_path / "elsewhere", name)
    assert candidates.identities.equal(straight.identities)
    assert candidates.scores.equal(straight.scores)


@every
def test_interrupted_it_keeps_the_collection_for_the_same_gallery(
    service: StandIn, tmp_path: Path, name: str
) -> None:
    interrupted(tmp_path, name)
    (entry,) = Journal(tmp_path / "cache" / FOLDER).entries()
    assert entry.read()
    assert list(service.stores) == [entry.collection]
    assert sorted(entry.lines) == [0, 1, 2]
    assert entry.header.expires - entry.header.made == journal.LASTS
    with Services(Work(Cache(tmp_path / "cache")), "allowed") as services:
        asked(services, name).enrol(EVERYBODY).search(PROBES, 4)
        assert len(service.stores) == 2, "other photos have a collection of their own"
    found, _ = search(tmp_path, name)
    assert found.answers == {"index: indexed": 8, "search: answered": 4}
    assert not service.stores
    assert not Journal(tmp_path / "cache" / FOLDER).entries()


@every
def test_clean_deletes_what_is_left_and_list_shows_it(
    service: StandIn, tmp_path: Path, name: str
) -> None:
    cache = tmp_path / "cache"

    def command(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli.app, ["services", *words, "--cache", str(cache)])
        assert done.exit_code == code, done.output
        return done.output

    assert "no collection is left" in command("list")
    interrupted(tmp_path, name)
    (collection,) = service.stores
    before = len(service.asked)
    shown = command("list")
    assert collection in shown
    assert "3 of 8 photos" in shown
    assert "interrupted" in shown
    assert len(service.asked) == before, "list asks nobody"
    (entry,) = Journal(cache / FOLDER).entries()
    with entry.held():
        assert "in use" in command("list")
        assert "a run is using it" in command("clean", code=2)
        assert service.stores
    assert f"{collection} at" in command("clean")
    assert not service.stores
    assert "no collection is left" in command("list")


def test_what_cannot_be_deleted_stays_noted(
    service: StandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service.always["DeleteCollection"] = amazon.error("AccessDeniedException")
    search(tmp_path, "rekognition")
    assert "services clean" in caplog.text
    cache = tmp_path / "cache"
    (entry,) = Journal(cache / FOLDER).entries()
    done = CliRunner().invoke(cli.app, ["services", "clean", "--cache", str(cache)])
    assert done.exit_code == 2
    assert "not deleted" in done.output
    service.always.clear()
    done = CliRunner().invoke(cli.app, ["services", "clean", "--cache", str(cache)])
    assert done.exit_code == 0
    assert entry.collection in done.output
    assert not service.stores


def test_nobody_goes_on_with_one_that_expired(
    service: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(journal, "LASTS", datetime.timedelta(0))
        interrupted(tmp_path, "rekognition")
    (old,) = service.stores
    found, _ = search(tmp_path, "rekognition")
    assert found.answers["index: indexed"] == 8
    assert service.asked.count(("DeleteCollection", old, "")) == 1
    assert service.count("IndexFaces") == 3 + 8
    assert not service.stores


def test_a_file_that_somebody_wrote_runs_no_program(service: StandIn, tmp_path: Path) -> None:
    interrupted(tmp_path, "rekognition")
    (entry,) = Journal(tmp_path / "cache" / FOLDER).entries()
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')")
    spec = entry.header.spec
    content = entry.path.read_text().replace(spec.replace('"', '\\"'), f"{tmp_path}/evil.py", 1)
    assert "evil" in content
    entry.path.write_text(content)
    done = CliRunner().invoke(cli.app, ["services", "clean", "--cache", str(tmp_path / "cache")])
    assert done.exit_code == 2
    assert "expected one of: azure-face, facepp, rekognition" in done.output


def test_a_line_that_was_not_finished_is_passed_over(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "cache" / FOLDER)
    entry = kept.new("rekognition", "host", "account", "0" * 32, 3)
    entry.write()
    entry.note(Line(row=0, said="", handle="person-0"))
    with entry.path.open("ab") as file:
        file.write(b'\n{"row":1,"said":"","han')
    entry.note(Line(row=2, said="no face", handle=""))
    with entry.path.open("ab") as file:
        file.write(b'\n{"row":9,"said":"","handle":"of no photo"}\n\xff{}')
    (found,) = kept.entries()
    assert found.read()
    assert found.header == entry.header
    assert {row: line.said for row, line in found.lines.items()} == {0: "", 2: "no face"}
    (kept.folder / f"lowkey-audit-{'0' * 32}.jsonl").write_text("no header")
    (kept.folder / "notes.jsonl").write_text("somebody's")
    assert [e.path for e in kept.entries()] == [entry.path]
    entry.remove()
    assert not found.read()


def test_one_is_in_use_as_soon_as_it_is_noted(
    service: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody cleans up between any two steps of who makes it."""
    said: list[str] = []
    write = journal.write_atomically

    def looked_at(path: Path, content: bytes) -> None:
        write(path, content)
        clean(tmp_path / "cache", said.append)

    monkeypatch.setattr(journal, "write_atomically", looked_at)
    found, _ = search(tmp_path, "facepp")
    assert found.answers == {"index: indexed": 8, "search: answered": 4}
    assert [line.partition(": ")[2] for line in said] == ["a run is using it"]
    assert not service.stores


def test_a_few_collections_are_open_at_a_time(service: StandIn, tmp_path: Path) -> None:
    with Services(Work(Cache(tmp_path / "cache")), "allowed") as services:
        found = asked(services, "rekognition")
        for row in range(len(EVERYBODY)):
            for other in range(2):
                pair = EVERYBODY.select([row, (row + 1 + other) % 12])
                found.enrol(pair).search(PROBES.select([0]), 1)
                assert len(service.stores) <= MOST_OPEN
        assert len(service.stores) == MOST_OPEN < service.count("CreateCollection") == 24
    assert not service.stores
