"""What may change around a running audit without changing its report."""

from __future__ import annotations

import logging
import random
import shutil
import time
from pathlib import Path

import pytest

from audit import choices
from audit.plan import AuditPlan
from audit.report import AuditReport
from audit.run import run_audit
from lowkey_core.work import logs
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work, silent


@pytest.fixture(scope="module")
def plan(portraits: Path) -> AuditPlan:
    return choices.make(file=portraits / "plan.toml")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def expected(plan: AuditPlan, cache: Cache) -> AuditReport:
    return timeless(run_audit(plan, Work(cache)))


def timeless(report: AuditReport) -> AuditReport:
    return report.model_copy(update={"timings": {}})


def test_a_clock_that_is_set_changes_nothing(
    plan: AuditPlan, expected: AuditReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forward and back by years at every look; work is kept, found and timed all the same."""
    rng, looks = random.Random(0), []

    def wild() -> float:
        looks.append(rng.uniform(0, 4e9))
        return looks[-1]

    monkeypatch.setattr(time, "time", wild)
    monkeypatch.setattr(time, "time_ns", lambda: int(wild() * 1e9))
    first = run_audit(plan, Work(Cache(tmp_path)))
    again = run_audit(plan, Work(Cache(tmp_path)))
    assert timeless(first) == timeless(again) == expected
    assert all(seconds >= 0 for seconds in first.timings.values())
    assert time.time() == looks[-1]


def test_a_cache_that_vanishes_in_mid_run_costs_time_only(
    plan: AuditPlan, expected: AuditReport, tmp_path: Path
) -> None:
    gone = []

    def show(label: str, done: int, total: int) -> None:
        if (tmp_path / "cache").is_dir():
            gone.append(label)
            shutil.rmtree(tmp_path / "cache")

    assert timeless(run_audit(plan, Work(Cache(tmp_path / "cache"), show))) == expected
    assert len(set(gone)) >= 3


def test_the_log_says_what_was_found_and_how_long_it_took(
    plan: AuditPlan, expected: AuditReport, cache: Cache, capsys: pytest.CaptureFixture[str]
) -> None:
    run_audit(plan, Work(cache, silent))
    assert capsys.readouterr().err == "", "silent unless asked"
    before = {name: logging.getLogger(name).handlers for name in logs._OURS}
    logs.show()
    logs.show()
    try:
        run_audit(plan, Work(cache, silent))
        logging.getLogger("PIL").info("not ours")
        logging.getLogger("reports").info("two\nlines")
    finally:
        for name, handlers in before.items():
            logging.getLogger(name).handlers = handlers
            logging.getLogger(name).setLevel(logging.NOTSET)
    lines = capsys.readouterr().err.splitlines()
    verified = sum("verified dlib, SHA-256 55533b28a9" in line for line in lines)
    assert verified == 1, "the recogniser; noise asks for no surrogate, and none is loaded"
    for said in (
        "28 photos of 7 people",
        "finding faces: 16 found in the cache, 0 made",
        "cloaking took ",
        "recognising took ",
        "two\\nlines",
    ):
        assert sum(said in line for line in lines) == 1, said
    assert not any("not ours" in line for line in lines)
    assert len(lines) < 30, "counts, not a line a piece"
