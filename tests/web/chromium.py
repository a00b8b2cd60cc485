"""The pages of a server in a real Chromium, and what is noticed of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from lowkey_core.faces.frames import Frame
from lowkey_core.types import Pixels
from tests.conftest import whole
from tests.web.conftest import Site
from web.app import create

SCHEMES = ("light", "dark")


@dataclass
class Live:
    """A server that listens."""

    site: Site
    address: str


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log(self, *_: object) -> None:
        pass


@contextmanager
def serving(site: Site) -> Iterator[Live]:
    """On a port of its own."""
    server: BaseWSGIServer = make_server(
        "127.0.0.1", 0, create(site.running), threaded=True, request_handler=Quiet
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Live(site, f"http://127.0.0.1:{server.port}")
    server.shutdown()


@dataclass
class Seen:
    """A page, those that it opened, and what was noticed of them."""

    page: Any
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


def opened(browser: Any, live: Live, width: int = 1280, **context: Any) -> Seen:
    """The first page. context: as playwright's `new_context`."""
    made = browser.new_context(viewport={"width": width, "height": 900}, **context)
    made.set_default_timeout(120_000)
    seen = Seen(made.new_page())
    made.on("request", lambda request: seen.requests.append(request.url))
    made.on("console", lambda message: seen.messages.append(message.text))
    made.on("weberror", lambda error: seen.messages.append(str(error.error)))
    seen.page.goto(live.address)
    return seen


def silent(seen: Seen, live: Live) -> None:
    """Nothing in the console, and nobody else was asked."""
    assert seen.messages == []
    assert seen.requests
    others = [url for url in seen.requests if not url.startswith(f"{live.address}/")]
    assert not [url for url in others if not url.startswith("data:")]


def shot(seen: Seen, name: str) -> None:
    """Into the folder that `SCREENSHOTS` names."""
    if folder := os.environ.get("SCREENSHOTS"):
        file = Path(folder) / f"{name}.png"
        seen.page.screenshot(path=str(file), full_page=True)


def violations(page: Any) -> list[str]:
    """Of axe-core's rules, in light and in dark."""
    from axe_playwright_python.sync_playwright import Axe

    said = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for one in Axe().run(page).response["violations"]:
            for node in one["nodes"]:
                said.append(f"{page.url} {scheme} {one['id']}: {node['html'][:160]}")
    return said


def reach(page: Any, selector: str, text: str = "") -> Any:
    """Presses Tab until one of these is focused."""
    for _ in range(150):
        page.keyboard.press("Tab")
        held = page.locator(f"{selector}:focus").filter(has_text=text)
        if held.count():
            return held
    raise AssertionError(f"the Tab key does not lead to {selector} {text}")


def problems(browser: Any, live: Live, page: Any, width: int) -> list[str]:
    """What axe finds on every page. Its script is not the pages': it runs where no policy holds."""
    cookies = page.context.storage_state()
    other = opened(browser, live, width, bypass_csp=True, storage_state=cookies).page
    found = []
    addresses = ("/", "/photo/2", "/photo/3", "/help", "/help/report", "/about", "/nowhere")
    for address in addresses:
        other.goto(live.address + address)
        found += violations(other)
    other.goto(live.address)
    other.set_input_files(
        "#photos-field", {"name": "a.png", "mimeType": "image/png", "buffer": b"Dear diary"}
    )
    other.click("button.main")
    other.wait_for_selector("text=One file was not taken")
    return found + violations(other)


def by_shape(photos: Sequence[Pixels]) -> list[list[Frame]]:
    """In place of the detector: a face in each half of a wide photo, none in a plain one."""
    return [_faces(pixels) for pixels in photos]


def _faces(pixels: Pixels) -> list[Frame]:
    height, width = pixels.shape[:2]
    if (pixels == pixels[0, 0]).all():
        return []
    if width < 2 * height:
        return whole(pixels)
    (one,), size = whole(pixels[:, :height]), (height, width)
    return [Frame.at(size, one.landmarks + x, one.box + x) for x in (0, width - height)]
