"""Real audits before every adversary, as HTML in a real browser. An hour or two, the first time.

Their work is kept in the user's cache, so that they resume. `RUNS=FOLDER` has runs that are there
already: FOLDER/embedded and FOLDER/lfw. `SCREENSHOTS=docs` also writes the pictures of
docs/reports.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands import finish, start
from tests.reports import browser as real

pytestmark = [pytest.mark.slow, pytest.mark.timeout(4 * 3600)]
AUDITS = {
    "embedded": ["--preset", "offline"],
    "lfw": ["--preset", "quick", "--dataset", "lfw"],
}
DONE, INCONCLUSIVE = 0, 3


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with real.browsers() as found:
        yield found


@pytest.fixture(
    scope="module",
    params=["embedded", pytest.param("lfw", marks=pytest.mark.faces)],
)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of an audit of lowkey by all adversaries."""
    folder = tmp_path_factory.mktemp(request.param)
    run = Path(os.environ.get("RUNS", folder)) / request.param
    if run.is_dir():
        finish(start("report", run, "--format", "html", "--out", folder / request.param), DONE)
        return folder / request.param / "report.html"
    asked = ["--attack", "lowkey", "--adversary", "all", *AUDITS[request.param]]
    process = start("audit", *asked, "--format", "html", "--out", folder / request.param)
    _, err = process.communicate()
    assert process.returncode in (DONE, INCONCLUSIVE), err
    return folder / request.param / "report.html"


def test_it_opens_in_silence_and_asks_nobody(browser: Any, page: Path) -> None:
    for width in real.WIDTHS:
        with real.opened(browser, page, width) as seen:
            wide = {look: real.too_wide(seen) for look in real.looked_at(seen)}
            assert wide == dict.fromkeys(real.LOOKS, 0)
            assert seen.page.locator(".verdict").count() == 1
        assert seen.messages == []
        assert seen.requests == [page.as_uri()]


def test_axe_finds_no_violation(browser: Any, page: Path) -> None:
    assert [v for width in real.WIDTHS for v in real.violations(browser, page, width)] == []


def test_it_is_under_three_megabytes(page: Path) -> None:
    assert page.stat().st_size < 3e6


@pytest.mark.skipif("SCREENSHOTS" not in os.environ, reason="SCREENSHOTS names no folder")
def test_its_pictures_are_taken(browser: Any, page: Path) -> None:
    for width, look in ((1280, "light"), (390, "dark"), (1280, "print")):
        with real.opened(browser, page, width) as seen:
            for now in real.looked_at(seen):
                if now == look:
                    name = f"report-{page.parent.name}-{width}-{look}.jpg"
                    file = Path(os.environ["SCREENSHOTS"]) / name
                    seen.page.screenshot(path=file, type="jpeg", quality=70)
