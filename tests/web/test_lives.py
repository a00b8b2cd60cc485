"""What becomes of sessions: limits, cancelling, forgetting, ageing, crashes, the end."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from lowkey_core.errors import StorageError
from tests.test_protect_command import bomb
from tests.web.conftest import COOKIE, Browser, Make, Site, picture
from web import cloaking
from web.jobs import Cancelled, Job, Jobs
from web.refused import Refused
from web.serving import Where, end, private


def folders(site: Site) -> list[Path]:
    return [path for path in site.root.iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("limits", "content", "said"),
    [
        ({"file_bytes": 1000}, picture(), "larger than"),
        ({"pixels": 10_000}, picture(), "160x160"),
        ({}, bomb(20_000), "400000000 pixels"),
        ({"session_bytes": 1000}, picture(), "too many bytes"),
        ({"photos": 0}, picture(), "0 photos are the most"),
    ],
    ids=["bytes", "pixels", "400 megapixels", "all bytes", "photos"],
)
def test_what_is_too_large_is_refused_before_it_is_decoded(
    limits: dict[str, float], content: bytes, said: str, make: Make
) -> None:
    browser = make(**limits).browser()
    answer = browser.send(("a.png", content))
    assert answer.status_code == 422
    assert said in answer.text
    assert browser.get("/photo/1").status_code == 404


def test_a_request_that_is_too_long_is_a_page(make: Make) -> None:
    answer = make(request_bytes=2000).browser().send(("a.png", picture()))
    assert answer.status_code == 413
    assert "Send fewer photos" in answer.text


@pytest.mark.parametrize(
    ("limits", "status"),
    [({"spare_bytes": 10**18}, 507), ({"total_bytes": -1}, 507), ({"sessions": 0}, 503)],
)
def test_a_full_server_says_so(limits: dict[str, float], status: int, make: Make) -> None:
    site = make(**limits)
    assert site.browser().send(("a.png", picture())).status_code == status
    assert not folders(site)


def test_a_full_disk_is_told_and_others_are_served(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = site.browser(), site.browser()
    second.send(("b.png", picture(1)))
    site.wait()

    def full(*_: object) -> None:
        raise StorageError("No space left on device", expected="room", remedy="make room")

    monkeypatch.setattr("web.stored.write_atomically", full)
    answer = first.send(("a.png", picture()))
    assert answer.status_code == 507
    assert "no room" in answer.text
    assert second.get("/photo/1/8.jpg").status_code == 200


def test_what_waits_and_what_runs_can_be_cancelled_and_gone_on_with(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()
    usual = cloaking.decode_pixels

    def slow(content: bytes, name: str) -> object:
        begun.set()
        assert go.wait(30)
        return usual(content, name)

    monkeypatch.setattr(cloaking, "decode_pixels", slow)
    site = make()
    browser = site.browser()
    browser.send(*[(f"{i}.png", picture(i)) for i in range(3)])
    assert begun.wait(30)
    page = browser.get("/").text
    assert "finding faces" in page
    assert "waiting, 1 before it" in page
    browser.post("/photo/2/cancel")
    browser.post("/cancel")
    go.set()
    site.wait()
    assert browser.get("/").text.count("<p>cancelled</p>") == 3
    browser.post("/again")
    site.wait()
    assert browser.get("/").text.count("cloaked, 1 face") == 3


def test_sessions_take_turns() -> None:
    jobs, order = Jobs(1, 10), list[str]()
    for session in "aaab":
        what = f"photo {time.monotonic_ns()}"
        jobs.submit(Job(session, what, lambda job: order.append(job.session)))
    jobs.start()
    until = time.monotonic() + 10
    while not jobs.idle() and time.monotonic() < until:
        time.sleep(0.01)
    jobs.close(5)
    assert order == ["a", "b", "a", "a"]


def test_the_queue_is_bounded_and_a_job_is_in_it_once() -> None:
    jobs = Jobs(1, 2)
    for what in ("photo 1", "photo 1", "photo 2"):
        jobs.submit(Job("a", what, print))
    with pytest.raises(Refused, match="Too many photos"):
        jobs.submit(Job("a", "photo 3", print))


def test_a_job_that_takes_too_long_ends_itself() -> None:
    job = Job("a", "check", print, seconds=0.0)
    job.began = time.monotonic() - 1
    with pytest.raises(Cancelled):
        job.show("training", 0, 1)
    assert job.overdue


def test_forget_deletes_everything_and_gives_a_new_session(site: Site) -> None:
    browser = site.browser()
    browser.send(("a.png", picture()))
    site.wait()
    before = browser.client.get_cookie(COOKIE)
    assert "deleted" in browser.post("/forget").text
    assert not folders(site)
    assert browser.client.get_cookie(COOKIE) != before
    assert browser.get("/photo/1").status_code == 404


def test_what_was_under_way_leaves_nothing_after_forget(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()
    usual = cloaking.keep

    def slow(*given: object) -> None:
        begun.set()
        assert go.wait(30)
        usual(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(cloaking, "keep", slow)
    site = make()
    browser = site.browser()
    browser.send(("a.png", picture()))
    assert begun.wait(30)
    browser.post("/forget")
    go.set()
    site.wait()
    assert not folders(site)


def test_an_old_session_is_deleted(make: Make) -> None:
    site = make(seconds=3600)
    ada, bob = site.browser(), site.browser()
    for each in (ada, bob):
        each.send(("a.png", picture()))
    site.wait()
    first, second = folders(site)
    long_ago = time.time() - 3601
    os.utime(first / "session.json", (long_ago, long_ago))
    statuses = sorted(each.get("/photo/1/8.jpg").status_code for each in (ada, bob))
    assert statuses == [200, 404], "it is not shown even before it is deleted"
    site.running.sessions.sweep()
    assert folders(site) == [second]


def test_looking_at_photos_keeps_them_and_polling_does_not(site: Site) -> None:
    browser = site.browser()
    browser.send(("a.png", picture()))
    site.wait()
    (folder,) = folders(site)
    an_hour_ago = time.time() - 3000
    for address, kept in (("/photos", False), ("/photo/1/8.jpg", False), ("/", True)):
        os.utime(folder / "session.json", (an_hour_ago, an_hour_ago))
        browser.get(address)
        assert ((folder / "session.json").stat().st_mtime > an_hour_ago + 1) == kept, address


def test_after_a_crash_finished_photos_are_there_and_the_others_are_made(make: Make) -> None:
    """A server that only stops existing: nothing of it is told, and its folder stays."""
    first = make(working=False)
    browser = first.browser()
    browser.send(("a.png", picture()), ("b.png", picture(1)))
    cookie = browser.client.get_cookie(COOKIE)
    assert cookie
    (folder,) = folders(first)
    second = make()
    again = Browser(second.browser().client)
    again.client.set_cookie(COOKIE, cookie.value)
    second.wait()
    assert again.get("/").text.count("cloaked, 1 face") == 2
    made = (folder / "photos" / "1" / "done.json").stat().st_mtime_ns
    third = make()
    third.wait()
    assert (folder / "photos" / "1" / "done.json").stat().st_mtime_ns == made


def test_the_end_leaves_nothing(make: Make) -> None:
    site = make()
    site.browser().send(("a.png", picture()))
    (site.root / ("f" * 32)).mkdir()
    end(site.running)
    assert not folders(site)


def test_a_folder_that_others_may_open_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    with (
        pytest.raises(StorageError, match="not a folder of yours alone"),
        private(Where(folder=shared)),
    ):
        pass
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    (tmp_path / "real").mkdir(mode=0o700)
    with (
        pytest.raises(StorageError, match="not a folder of yours alone"),
        private(Where(folder=link)),
    ):
        pass


def test_one_server_has_a_folder_and_removes_it(tmp_path: Path) -> None:
    where = Where(folder=tmp_path / "mine")
    with private(where) as root:
        assert root.stat().st_mode & 0o077 == 0
        with pytest.raises(StorageError, match="another server"), private(where):
            pass
    assert not (tmp_path / "mine").exists()


def test_of_an_upload_that_the_queue_has_no_room_for_everything_is_stored(make: Make) -> None:
    site = make(working=False)
    site.running.jobs.most = 1
    browser = site.browser()
    answer = browser.send(*((f"{n}.png", picture(n)) for n in range(1, 4)))
    assert answer.status_code == 503
    assert "Press Go on in a few minutes" in answer.text
    page = browser.get("/").text
    assert all(f"{n}.png" in page for n in range(1, 4))
    site.running.jobs.most = 10
    assert browser.post("/again").status_code == 303
    site.running.jobs.start()
    site.wait()
    assert browser.get("/").text.count("cloaked, 1 face") == 3
