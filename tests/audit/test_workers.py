"""`--workers`: the report is that of one process, and nothing is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import cli
from audit import runs, session
from audit.plan import AuditPlan
from audit.report import AuditReport
from tests.audit.plans import changed
from tests.audit.small import RECOGNISER, without_timings
from tests.commands import ROOT

pytestmark = pytest.mark.enable_socket

CLOAK = """
import multiprocessing, os, signal, time
from pathlib import Path
class Ending:
    \"\"\"Does something odd when it is first called in a worker.\"\"\"
    def __call__(self, faces, rng):
        if multiprocessing.parent_process() and not Path({flag!r}).exists():
            Path({flag!r}).touch()
            {what}
        return 1 - faces.images
def build(): return Ending()
"""


@pytest.fixture
def plan(portraits: Path, tmp_path: Path) -> AuditPlan:
    """Real detection, tiny networks, and a cloak that may end the process that it runs in."""
    for seed in (1, 2):
        (tmp_path / f"net{seed}.py").write_text(RECOGNISER.format(seed=seed))
    ends = CLOAK.format(flag=str(tmp_path / "ended"), what="os.kill(os.getpid(), signal.SIGKILL)")
    (tmp_path / "ending.py").write_text(ends)
    return changed(
        AuditPlan(),
        dataset=str(portraits / "photos"),
        attack=(str(tmp_path / "ending.py"), "lowkey:steps=2"),
        surrogate=str(tmp_path / "net1.py"),
        recogniser=str(tmp_path / "net2.py"),
        adversary=("adaptive", "detection"),
        scenario="all",
        protected=2,
        probes=2,
        gallery=2,
        background=2,
        background_pictures=2,
        others=2,
        distractors=0,
        ranks=(1,),
        epochs=1,
        batch=2,
    )


def run(plan: AuditPlan, root: Path, workers: int | None) -> AuditReport:
    with session.begin(plan, root / "run", root / "cache", workers=workers) as begun:
        return begun.run()


def kept(root: Path) -> set[str]:
    return {file.name for file in (root / "cache").rglob("*.safetensors")}


def test_a_report_is_that_of_one_process_also_where_a_worker_is_killed(
    plan: AuditPlan, tmp_path: Path
) -> None:
    ended = tmp_path / "ended"
    helped = run(plan, tmp_path / "helped", 2)
    assert ended.exists(), "it was cloaked by a worker, which ended"
    alone = run(plan, tmp_path / "alone", None)
    assert without_timings(helped) == without_timings(alone)
    assert kept(tmp_path / "helped") == kept(tmp_path / "alone") != set()
    assert runs.started(tmp_path / "helped" / "run").plan == plan


def test_a_run_is_resumed_with_as_many_workers_as_one_likes() -> None:
    assert "workers" in runs.ALONGSIDE


@pytest.mark.parametrize("text", ["0", "-1", "four", "udp://there:1", "tcp://127.0.0.1:1"])
def test_wrong_workers_are_one_line_and_leave_no_folder(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["cli.py", "audit", "--workers", text])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOWKEY_AUDIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    said = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(said) == 1
    assert f"--workers {text}" in said[0] or f"'{text}'" in said[0]
    assert not [*tmp_path.glob("runs/*")]


def test_shards_and_workers_are_two_ways_to_divide_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["cli.py", "audit", "--workers", "2", "--shard", "1/2"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    assert "--workers was given for a shard" in capsys.readouterr().err


PROGRAM = """
import sys
from pathlib import Path
from audit import session
from audit.plan import AuditPlan
from reports.console.process import to_the_end
plan = AuditPlan.model_validate_json(Path(sys.argv[1]).read_text())
to_the_end(lambda: session.audit(plan=plan, out=Path("run"), cache=Path("cache"), workers=2))
"""
"""A command without the trial that would foretell how long it takes."""


def test_an_interrupted_audit_leaves_no_worker_and_says_so_in_a_line(
    plan: AuditPlan, tmp_path: Path
) -> None:
    slow = CLOAK.format(flag=str(tmp_path / "at work"), what="time.sleep(60)")
    (tmp_path / "ending.py").write_text(slow)
    (tmp_path / "plan.json").write_text(plan.model_dump_json())
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "plan.json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    group = process.pid
    while not (tmp_path / "at work").exists():
        assert process.poll() is None
        time.sleep(0.1)
    members = [p for p in psutil.process_iter() if _group(p) == group]
    assert len(members) >= 3
    os.killpg(group, signal.SIGINT)
    said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130
    assert "interrupted; the same command resumes" in said
    assert "Traceback" not in said
    end = time.monotonic() + 10  # in which Python's own resource tracker ends, too
    while left := [p for p in psutil.process_iter() if _group(p) == group]:
        assert time.monotonic() < end, left
        time.sleep(0.1)


def _group(process: psutil.Process) -> int:
    try:
        return os.getpgid(process.pid)
    except OSError:
        return 0
