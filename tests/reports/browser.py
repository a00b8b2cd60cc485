"""A real browser that opens pages from disk, and what it has to say of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "CHROMIUM"
HOW = (
    "no browser was asked: `apt-get install chromium` on Debian, or set CHROMIUM to the program "
    "of a Chromium that is here"
)
WIDTHS = (1280, 390)
"""In pixels: a desk, a phone."""
LOOKS = ("light", "dark", "print")


def program() -> str | None:
    """The browser's, named by the environment or found on PATH."""
    return os.environ.get(VARIABLE) or shutil.which("chromium") or None


@contextmanager
def browsers() -> Iterator[Any]:
    """A browser of playwright's; skips where there is none. It is talked to through pipes: tests
    need no socket for it but the pair inside the event loop."""
    if not (found := program()):
        pytest.skip(HOW)
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu"]  # tests may run as root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Seen:
    """What a browser noticed of a page."""

    page: Any
    requests: list[str]
    """Addresses, in their order."""
    messages: list[str]
    """Of the console, and errors of scripts."""


@contextmanager
def opened(browser: Any, file: Path, width: int = WIDTHS[0], **context: Any) -> Iterator[Seen]:
    """A page from disk. context: as playwright's `new_context`."""
    made = browser.new_context(viewport={"width": width, "height": 900}, **context)
    try:
        page = made.new_page()
        seen = Seen(page, [], [])
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("console", lambda message: seen.messages.append(message.text))
        page.on("pageerror", lambda error: seen.messages.append(str(error)))
        page.goto(file.as_uri())
        yield seen
    finally:
        made.close()


def looked_at(seen: Seen) -> Iterator[str]:
    """Each of `LOOKS`, with the page shown so."""
    for look in LOOKS:
        dark, paper = look == "dark", look == "print"
        seen.page.emulate_media(
            media="print" if paper else "screen", color_scheme="dark" if dark else "light"
        )
        yield look


def violations(browser: Any, file: Path, width: int) -> Iterator[str]:
    """Of axe-core's rules, in any look. Its script is not the page's: it runs where no policy
    holds."""
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, file, width, bypass_csp=True) as seen:
        for look in looked_at(seen):
            for one in Axe().run(seen.page).response["violations"]:
                for node in one["nodes"]:
                    why = node.get("failureSummary", "")
                    yield f"{look}: {one['id']}: {node['html'][:200]} ({why[:300]})"


def too_wide(seen: Seen) -> int:
    """By how many pixels the page scrolls sideways."""
    asked = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    talk = seen.page.context.new_cdp_session(seen.page)  # no policy of the page forbids it
    return int(talk.send("Runtime.evaluate", {"expression": asked})["result"]["value"])
