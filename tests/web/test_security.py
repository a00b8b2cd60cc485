"""What no page but ours may do, and nobody to somebody else's photos."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from tests.web.conftest import COOKIE, Browser, Make, Site, picture
from web.guard import HEADERS
from web.sessions import new_token

PAGES = ("/", "/photos", "/photo/1", "/help", "/about", "/nowhere")
FILES = (
    *("/photo/1/0.jpg", "/photo/1/8.jpg", "/photo/1/faces-8.jpg", "/photo/1/copy"),
    *("/photo/1/copy?format=jpeg", "/all.zip", "/help/report"),
)
FORMS = (
    *("/photos", "/strength", "/photo/1/strength", "/photo/1/cancel", "/cancel", "/again"),
    *("/help", "/help/cancel", "/forget"),
)


@pytest.fixture
def ada(site: Site) -> Browser:
    """Somebody with a cloaked photo."""
    ada = site.browser()
    ada.send(("adas-own-name.png", picture()))
    site.wait()
    assert ada.get("/photo/1").status_code == 200
    return ada


@pytest.mark.parametrize("stranger", ["no cookie", "own cookie", "own photo"])
def test_nobody_reads_the_photos_of_another_session(
    stranger: str, ada: Browser, site: Site
) -> None:
    """Every address that answers one is replayed by another."""
    eve = site.browser()
    if stranger == "own cookie":
        eve.get("/")
    if stranger == "own photo":
        eve.send(("eve.png", picture(9)))
        site.wait()
    for address in (*PAGES, *FILES):
        hers, others = ada.get(address), eve.get(address)
        assert b"adas-own" not in others.data
        if address in FILES and hers.status_code == 200:
            assert others.data != hers.data
            assert others.status_code == (200 if stranger == "own photo" else 404)


@pytest.mark.parametrize("guess", ["", "0" * 64, "../" * 20, "a" * 63, "é" * 64])
def test_a_guessed_cookie_opens_nothing(guess: str, ada: Browser, site: Site) -> None:
    eve = site.browser()
    eve.client.set_cookie(COOKIE, guess)
    assert eve.get("/photo/1/0.jpg").status_code == 404


def test_the_name_of_the_folder_is_no_cookie(ada: Browser, site: Site) -> None:
    (folder,) = [p for p in site.root.iterdir() if p.is_dir()]
    eve = site.browser()
    for cookie in (folder.name, folder.name * 2):
        eve.client.set_cookie(COOKIE, cookie)
        assert eve.get("/photo/1/0.jpg").status_code == 404


def test_a_form_of_another_session_is_refused(ada: Browser, site: Site) -> None:
    eve = site.browser()
    for address in FORMS:
        assert ada.post(address, token=eve.token()).status_code == 403
        assert ada.post(address, token="").status_code == 403
    assert ada.get("/photo/1/0.jpg").status_code == 200


@pytest.mark.parametrize("address", FORMS)
def test_a_form_of_another_site_is_refused(address: str, ada: Browser) -> None:
    """Even with the right token."""
    form = {"form_token": ada.token()}
    for origin in ("http://evil.example", "null", "http://localhost.evil.example", "http://"):
        answer = ada.client.post(address, data=form, headers={"Origin": origin})
        assert answer.status_code == 403
        assert "another site" in answer.text
    crossed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert ada.client.post(address, data=form, headers=crossed).status_code == 403
    assert ada.get("/photo/1/0.jpg").status_code == 200


@pytest.mark.parametrize("address", [*PAGES, *FILES])
def test_a_rebound_name_is_refused(address: str, ada: Browser) -> None:
    for host in ("evil.example", "evil.example:5000", "localhost.evil.example", "8.8.8.8", "[::2]"):
        answer = ada.get(address, headers={"Host": host})
        assert answer.status_code in (400, 421)
        assert "ada" not in answer.text


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1", "127.0.0.1:80", "[::1]:5000"])
def test_names_of_this_machine_are_answered(host: str, site: Site) -> None:
    assert site.browser().get("/", headers={"Host": host}).status_code == 200


def test_other_sites_may_link_here_but_load_nothing(ada: Browser) -> None:
    linked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    loaded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert ada.get("/", headers=linked).status_code == 200
    assert ada.get("/photo/1/0.jpg", headers=loaded).status_code == 403


@pytest.mark.parametrize("address", [*PAGES, *FILES, "/static/page.js"])
def test_every_answer_carries_the_headers(address: str, ada: Browser) -> None:
    answer = ada.get(address)
    for name, value in HEADERS.items():
        assert name == "Cache-Control" or answer.headers[name] == value
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy or address == "/help/report"


def test_pages_hold_no_inline_script_or_style_and_nothing_from_elsewhere(ada: Browser) -> None:
    for address in set(PAGES) - {"/photos"}:  # that is a part of a page
        page = ada.get(address).text
        assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", page)
        assert re.findall(r"<script[^>]*>", page) == ['<script src="/static/page.js" defer>']
        assert "//" not in page.replace("http://www.w3.org", "").replace("<!-- ", "")


def test_cookies_are_for_this_server_alone(site: Site) -> None:
    said = site.browser().get("/").headers["Set-Cookie"]
    assert "HttpOnly" in said
    assert "SameSite=Strict" in said
    assert re.match(rf"{COOKIE}=[0-9a-f]{{64}};", said)
    assert new_token() != new_token()


def test_names_are_shown_as_text(site: Site) -> None:
    browser = site.browser()
    browser.send(("<script>alert(1)</script>.png", picture()), ('a"b\u202e.png', picture(1)))
    site.wait()
    page = browser.get("/").text
    assert "<script>alert" not in page
    answer = browser.get("/photo/2/copy")
    assert answer.status_code == 200
    assert "\n" not in answer.headers["Content-Disposition"]


def test_a_server_for_others_asks_for_its_token(make: Make) -> None:
    browser = make(access="the right one").browser()
    assert browser.get("/").headers["Location"] == "/enter"
    assert browser.get("/photo/1/0.jpg").status_code in (302, 401)
    page = browser.get("/enter").text
    token = re.search(r'value="([0-9a-f]{64})"', page)
    assert token
    assert browser.post("/photos", token[1]).status_code == 401
    assert browser.post("/enter", token[1], access="a wrong one").status_code == 403
    assert browser.post("/enter", token[1], access="the right one").status_code == 303
    assert browser.get("/").status_code == 200
    elsewhere = browser.get("/", headers={"Host": "192.168.0.7:5000"})
    assert elsewhere.headers["Location"] == "/enter", "a number is a name of ours; cookies differ"


def test_tokens_cannot_be_tried_for_long(make: Make) -> None:
    browser = make(access="the right one", tries=3).browser()
    token = re.search(r'value="([0-9a-f]{64})"', browser.get("/enter").text)
    assert token
    tried = [browser.post("/enter", token[1], access=str(i)).status_code for i in range(5)]
    assert tried == [403, 403, 403, 429, 429]
    assert browser.post("/enter", token[1], access="the right one").status_code == 429


def test_too_many_requests_are_refused(make: Make) -> None:
    browser = make(posts=3).browser()
    token = browser.token()
    answers = [browser.post("/again", token).status_code for _ in range(5)]
    assert answers == [404, 404, 404, 429, 429]


def test_a_fault_of_ours_is_a_page_without_a_traceback(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret name")

    monkeypatch.setattr("web.pages._listed", broken)
    answer = site.browser().get("/")
    assert answer.status_code == 500
    assert "Traceback" not in answer.text
    assert "secret" not in answer.text


def test_nothing_of_photos_is_logged(
    site: Site, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    browser = site.browser()
    browser.send(("my-holiday-name.png", picture()), ("my-holiday-diary.jpg", b"Dear diary"))
    site.wait()
    browser.get("/photo/1/copy")
    told = capfd.readouterr()
    assert "holiday" not in caplog.text + told.out + told.err


def test_files_lie_in_the_session_folder_alone(ada: Browser, site: Site, tmp_path: Path) -> None:
    """For its owner alone, and none is called as the person calls it."""
    assert site.root.stat().st_mode & 0o077 == 0
    (folder,) = [p for p in site.root.iterdir() if p.is_dir()]
    assert folder.stat().st_mode & 0o077 == 0
    digest = re.compile(r"[0-9a-f]+\.safetensors")  # which may spell ada
    names = [p.name for p in tmp_path.rglob("*") if not digest.fullmatch(p.name)]
    assert not [name for name in names if "ada" in name]
    face = picture()
    holders = [p for p in tmp_path.rglob("*") if p.is_file() and face in p.read_bytes()]
    assert holders == [folder / "photos" / "1" / "photo"]
    assert io.BytesIO(face).read(4) == b"\x89PNG"
