"""A report in a real browser: it opens from disk at any width, and asks nobody for anything.

Needs a Chromium: see `tests.reports.browser`. Accessibility is checked by axe-core.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.report import AuditReport
from reports import render
from tests.audit.samples import sample
from tests.reports import browser as real
from tests.reports import hostile
from tests.reports.full import full
from tests.reports.test_html import two_cloaks

SUBJECTS = {
    "full": full,
    "inconclusive": lambda: sample(control=2),
    "two cloaks": two_cloaks,
    "a tag": lambda: hostile.report(hostile.NAMES["a tag"]),
    "three hundred": lambda: hostile.report(hostile.NAMES["three hundred"]),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with real.browsers() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


ALIKE = ("two cloaks", "a tag")
"""Pages that have what others have, too."""


@pytest.fixture(
    scope="module",
    params=[pytest.param(s, marks=pytest.mark.slow) if s in ALIKE else s for s in SUBJECTS],
)
def file(request: pytest.FixtureRequest, folder: Path) -> Path:
    return written(SUBJECTS[request.param](), folder / f"{request.param}.html")


def written(report: AuditReport, file: Path) -> Path:
    made = render("html", report)
    assert isinstance(made, str)
    file.write_text(made, encoding="utf-8")
    return file


widths = pytest.mark.parametrize("width", real.WIDTHS)


@widths
def test_it_opens_from_disk_in_silence_and_never_scrolls_sideways(
    browser: Any, file: Path, width: int
) -> None:
    with real.opened(browser, file, width) as seen:
        assert {look: real.too_wide(seen) for look in real.looked_at(seen)} == dict.fromkeys(
            real.LOOKS, 0
        )
        assert seen.page.title()
    assert seen.messages == []
    assert seen.requests == [file.as_uri()], "no request but for the file itself"


@widths
def test_axe_finds_no_violation_in_any_look(browser: Any, file: Path, width: int) -> None:
    assert [*real.violations(browser, file, width)] == []


def test_what_somebody_plants_in_it_is_neither_run_nor_shown(browser: Any, folder: Path) -> None:
    page = written(sample(), folder / "planted.html")
    planted = '<img src="http://203.0.113.1/x.png"><script>document.title = "run"</script></body>'
    page.write_text(page.read_text().replace("</body>", planted))
    with real.opened(browser, page) as seen:
        assert seen.page.title() != "run"
    assert len(seen.messages) == 2
    assert all("Content Security Policy" in message for message in seen.messages)


def test_a_phone_shows_the_verdict_before_anything_is_scrolled(browser: Any, folder: Path) -> None:
    with real.opened(browser, written(sample(), folder / "phone.html"), 390) as seen:
        box = seen.page.locator(".verdict").first.bounding_box()
        assert box["y"] + box["height"] < 900


def test_keys_lead_to_the_figures(browser: Any, folder: Path) -> None:
    with real.opened(browser, written(sample(), folder / "keys.html")) as seen:
        seen.page.keyboard.press("Tab")
        assert seen.page.locator(":focus").inner_text() == "Skip to the figures"
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_url(lambda url: url.endswith("#main"), timeout=10_000)


def test_it_prints(browser: Any, folder: Path) -> None:
    with real.opened(browser, written(sample(), folder / "paper.html")) as seen:
        assert seen.page.pdf(format="A4").startswith(b"%PDF-")
