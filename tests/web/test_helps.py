""" "Does it help?" is `check` on the session's photos, in the background."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from audit import check as checks
from lowkey_core.errors import DatasetError
from tests.web.conftest import BRIEF, Browser, Make, Site, picture
from web import checking
from web.engine import Engine
from web.jobs import Cancelled, Job


@pytest.fixture
def engine(engine: Engine, mine: list[Path], tmp_path: Path) -> Engine:
    """The small audit's other people are the world."""
    return replace(engine, checking={"world": str(tmp_path / "world" / "photos"), **BRIEF})


@pytest.fixture
def me(site: Site, mine: list[Path]) -> Browser:
    """Six photos of one person, who is not in the world."""
    browser = site.browser()
    browser.send(*[(f"holiday {p.name}", p.read_bytes()) for p in mine])
    site.wait()
    return browser


def test_the_answer_and_the_report_are_shown(me: Browser, site: Site) -> None:
    assert "Check 6 photos" in me.get("/help").text
    assert me.post("/help").headers["Location"] == "/help"
    site.wait(200)
    page = me.get("/help").text
    assert "What was found" in page, page
    assert "Before cloaking: of your 3 other photos" in page
    assert "What this does not say" in page
    assert "holiday" not in page, "to the check a photo is called by its number"
    report = me.get("/help/report")
    assert report.status_code == 200
    assert report.text.lower().startswith("<!doctype html>")
    assert "sandbox" in report.headers["Content-Security-Policy"]
    assert site.browser().get("/help/report").status_code == 404
    me.post("/forget")
    assert not [p for p in site.root.iterdir() if p.is_dir()]


def test_it_takes_three_photos(site: Site) -> None:
    browser = site.browser()
    browser.send(("a.png", picture()), ("b.png", picture(1)))
    site.wait()
    assert "It takes 3 or more cloaked photos" in browser.get("/help").text
    answer = browser.post("/help")
    assert answer.status_code == 400
    assert "Add photos of the same person" in answer.text


def test_what_hinders_a_check_is_said_without_paths(
    me: Browser, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(photos: Path, *_: object) -> None:
        raise DatasetError(f"{photos} holds 2 photos", expected="3", remedy="add photos")

    monkeypatch.setattr(checking, "planned", refused)
    me.post("/help")
    site.wait()
    page = me.get("/help").text
    assert "The photos holds 2 photos." in page
    assert str(site.root) not in page


def test_a_check_can_be_cancelled_and_ends_in_time(
    me: Browser, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(_photos: Path, _given: object, work: object) -> None:
        while True:
            work.show("training", 1, 10)  # type: ignore[attr-defined]

    monkeypatch.setattr(checking, "planned", slow)
    me.post("/help")
    assert "Cancel the check" in me.get("/help").text
    me.post("/help/cancel")
    site.wait()
    assert "What was found" not in me.get("/help").text
    (folder,) = [p for p in site.root.iterdir() if p.is_dir()]
    found = site.running.sessions.all()
    job = Job(folder.name, "check", print, seconds=-1.0)
    job.began = 0.0
    checking.check(next(iter(found)), site.running.engine, job)
    assert "The check took too long." in me.get("/help").text


def test_a_cancelled_check_raises_through_everything() -> None:
    assert not issubclass(Cancelled, Exception)
    assert checks.FEWEST == checking.FEWEST


def test_nothing_of_the_photos_is_kept_elsewhere(
    make: Make, engine: Engine, tmp_path: Path
) -> None:
    """The common folder of finished work is read, and stays as it was."""
    shared = tmp_path / "shared"
    shared.mkdir()
    engine.shared = shared
    site = make()
    browser = site.browser()
    browser.send(("a.png", picture()))
    site.wait()
    assert "cloaked, 1 face" in browser.get("/").text
    assert not list(shared.iterdir())
    (folder,) = [p for p in site.root.iterdir() if p.is_dir()]
    assert list((folder / "cache").glob("??/*.safetensors"))
