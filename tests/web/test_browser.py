"""The pages in a real Chromium: with and without JavaScript, by keyboard, wide and narrow.

Skipped, and said so, without a Chromium: `CHROMIUM` names its program, or `chromium` is on PATH.
Pictures of the pages go to the folder that `SCREENSHOTS` names.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.web.conftest import Make, Site, picture
from web.app import create

playwright = pytest.importorskip("playwright.sync_api", reason="no playwright")
PROGRAM = os.environ.get("CHROMIUM") or shutil.which("chromium")
pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.skipif(
        PROGRAM is None, reason="no browser: set CHROMIUM to the program of a Chromium, or install"
    ),
]
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        arguments = ["--no-sandbox", "--disable-gpu"]
        found = started.chromium.launch(executable_path=PROGRAM, args=arguments)
        yield found
        found.close()


@dataclass
class Live:
    """A server that listens."""

    site: Site
    address: str


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log(self, *_: object) -> None:
        pass


@pytest.fixture
def live(make: Make) -> Iterator[Live]:
    site = make()
    server: BaseWSGIServer = make_server(
        "127.0.0.1", 0, create(site.running), threaded=True, request_handler=Quiet
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Live(site, f"http://127.0.0.1:{server.port}")
    server.shutdown()


@dataclass
class Seen:
    """A page, and what was noticed of it."""

    page: Any
    requests: list[str]
    messages: list[str]


def opened(browser: Any, live: Live, width: int = 1280, **context: Any) -> Seen:
    page = browser.new_context(viewport={"width": width, "height": 900}, **context).new_page()
    page.set_default_timeout(120_000)
    seen = Seen(page, [], [])
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda message: seen.messages.append(message.text))
    page.on("pageerror", lambda error: seen.messages.append(str(error)))
    page.goto(live.address)
    return seen


def silent(seen: Seen, live: Live) -> None:
    """Nothing in the console, and nobody else was asked."""
    assert seen.messages == []
    assert seen.requests
    assert all(url.startswith(f"{live.address}/") for url in seen.requests)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    found = []
    for number in range(3):
        path = tmp_path / f"me {number}.png"
        path.write_bytes(picture(number, 200))
        found.append(str(path))
    return found


def shot(seen: Seen, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        file = Path(folder) / f"{name}.png"
        seen.page.screenshot(path=str(file), full_page=True)


def violations(page: Any) -> list[str]:
    """Of axe-core's rules, in light and in dark."""
    from axe_playwright_python.sync_playwright import Axe

    said = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for one in Axe().run(page).response["violations"]:
            for node in one["nodes"]:
                said.append(f"{scheme} {one['id']}: {node['html'][:160]}")
    return said


def wide(page: Any) -> int:
    """By how many pixels the page scrolls sideways."""
    talk = page.context.new_cdp_session(page)
    asked = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(talk.send("Runtime.evaluate", {"expression": asked})["result"]["value"])


@pytest.mark.parametrize("width", WIDTHS)
def test_from_photos_to_forgetting(width: int, browser: Any, live: Live, files: list[str]) -> None:
    seen = opened(browser, live, width)
    page = seen.page
    shot(seen, f"web-start-{width}")
    page.set_input_files("#photos-field", files)
    page.click("button.main")
    page.locator(".cards a[download]").nth(5).wait_for()
    assert wide(page) == 0
    shot(seen, f"web-photos-{width}")
    page.click("text=Compare >> nth=0")
    page.wait_for_selector(".pair.over")
    assert wide(page) == 0
    before = page.get_attribute(".after", "src")
    page.focus("#strength")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute(".after", "src") != before
    page.focus("#divide")
    page.keyboard.press("Home")
    shot(seen, f"web-photo-{width}")
    with page.expect_download() as one:
        page.click("text=Download PNG")
    with Image.open(one.value.path()) as copy:
        assert copy.size == (200, 200)
    assert one.value.suggested_filename == "01 me 0.png"
    page.goto(live.address)
    assert "at 7/8 of the change" in page.text_content("#photo-1")
    with page.expect_download() as everything:
        page.click("text=zip of PNG")
    assert everything.value.suggested_filename == "cloaked.zip"
    page.click("text=Does it help? >> nth=0")
    page.wait_for_selector("text=Check 3 photos")
    shot(seen, f"web-helps-{width}")
    page.goto(live.address)
    page.click("button.bad")
    page.wait_for_selector("h1:has-text('Forgotten')")
    assert not [p for p in live.site.root.iterdir() if p.is_dir()]
    silent(seen, live)


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_no_violation(width: int, browser: Any, live: Live, files: list[str]) -> None:
    """Its script is not the page's: it runs where no policy holds."""
    seen = opened(browser, live, width, bypass_csp=True)
    page = seen.page
    page.set_input_files("#photos-field", files)
    page.click("button.main")
    page.locator(".cards a[download]").nth(5).wait_for()
    found = []
    for address in ("/", "/photo/1", "/help", "/about", "/nowhere"):
        page.goto(live.address + address)
        found += [f"{address} {each}" for each in violations(page)]
    assert found == []


def test_by_keyboard_alone(browser: Any, live: Live, files: list[str]) -> None:
    """From the top of the page to a cloaked photo, with Tab and Enter."""
    seen = opened(browser, live)
    page = seen.page
    page.set_input_files("#photos-field", files[:1])  # the chooser is the system's
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("class") == "skip"
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.locator(":focus").text_content() == "Cloak":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("text=cloaked, 1 face")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.locator(":focus").text_content() == "Compare":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector(".pair.over")
    silent(seen, live)


def test_without_javascript(browser: Any, live: Live, files: list[str]) -> None:
    seen = opened(browser, live, java_script_enabled=False)
    page = seen.page
    page.set_input_files("#photos-field", files[:1])
    page.click("button.main")
    page.wait_for_selector("text=cloaked, 1 face")  # the page reloads itself
    page.click("text=Compare >> nth=0")
    page.click("text=3/8 >> nth=0")
    assert page.get_attribute(".after", "src") == "/photo/1/3.jpg"
    assert not page.is_visible("#strength")
    with page.expect_download() as one:
        page.click("text=Download JPEG")
    with Image.open(one.value.path()) as copy:
        assert copy.format == "JPEG"
    page.goto(live.address)
    page.click("button.bad")
    assert "Forgotten" in page.title()
    silent(seen, live)
