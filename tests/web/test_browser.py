"""The pages in a real Chromium, from photos to forgetting: by keyboard and without JavaScript, too,
wide and narrow, light and dark.

Needs a Chromium: see `tests.reports.browser`. Pictures of the pages go to the folder that
`SCREENSHOTS` names.
"""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lowkey_core.faces import detection
from tests.reports import browser as real
from tests.web import chromium
from tests.web.chromium import Live, by_shape, opened, problems, reach, shot, silent, violations
from tests.web.conftest import BRIEF, Make
from web import cloaking
from web.engine import Engine

pytestmark = pytest.mark.enable_socket
LOOKS = tuple(zip(real.WIDTHS, chromium.SCHEMES, strict=True))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with real.browsers() as found:
        yield found


@pytest.fixture
def nobody_real(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("detect_all", "detect_smaller"):
        monkeypatch.setattr(detection, name, by_shape)


@pytest.fixture
def engine(engine: Engine, mine: list[Path], tmp_path: Path) -> Engine:
    return replace(engine, checking={"world": str(tmp_path / "world" / "photos"), **BRIEF})


@pytest.fixture
def live(make: Make) -> Iterator[Live]:
    with chromium.serving(make()) as found:
        yield found


@pytest.fixture
def files(mine: list[Path], tmp_path: Path) -> list[Path]:
    """One with a face, one with two, one without."""
    two, none = tmp_path / "the two of us.png", tmp_path / "the sea.png"
    shown = [np.array(Image.open(path)) for path in mine[1:3]]
    Image.fromarray(np.concatenate(shown, 1)).save(two)
    Image.new("RGB", (112, 112), (20, 60, 120)).save(none)
    return [mine[0], two, none]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Photos are looked at once it is set."""
    go, usual = threading.Event(), cloaking.find

    def find(*given: Any) -> Any:
        assert go.wait(60)
        return usual(*given)

    monkeypatch.setattr(cloaking, "find", find)
    return go


def looks(page: Any) -> Iterator[int]:
    """The page wide and light, then narrow and dark; it stays so."""
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        yield width


def fits(seen: chromium.Seen, name: str) -> None:
    """However it is looked at; pictures of it have this name."""
    for width in looks(seen.page):
        assert real.too_wide(seen) == 0  # type: ignore[arg-type]
        shot(seen, f"{name}-{width}")


def watched(page: Any, held: threading.Event, photos: int) -> None:
    """Progress comes without a reload."""
    page.wait_for_selector(f"text=0 of {photos} done.")
    page.wait_for_selector("text=finding faces")
    assert page.locator("progress").count() == photos
    held.set()
    page.wait_for_selector(f"text={photos} of {photos} done.")
    assert not page.locator("progress").count()


def test_from_photos_to_forgetting(
    browser: Any, live: Live, files: list[Path], mine: list[Path], held: threading.Event
) -> None:
    seen = opened(browser, live)
    page = seen.page
    fits(seen, "web-start")
    page.set_input_files("#photos-field", files)
    page.click("button.main")
    watched(page, held, 3)
    assert "cloaked, 1 face" in page.text_content("#photo-1")
    assert "cloaked, 2 faces" in page.text_content("#photo-2")
    assert "no face was found" in page.text_content("#photo-3")
    fits(seen, "web-photos")
    page.click("#photo-2 >> text=Compare")
    page.wait_for_selector(".pair.over")
    assert page.locator("svg rect:not(.under)").count() == 2
    before = page.get_attribute(".after", "src")
    with page.expect_response("**/strength") as kept:
        page.fill("#strength", "7")
    assert kept.value.status in (0, 303)
    assert page.get_attribute(".after", "src") != before
    page.fill("#divide", "20")
    fits(seen, "web-photo")
    with page.expect_download() as one:
        page.click("text=Download PNG")
    with Image.open(one.value.path()) as copy:
        assert copy.size == (224, 112)
    assert one.value.suggested_filename == "02 the two of us.png"
    page.goto(live.address)
    assert "at 7/8 of the change" in page.text_content("#photo-2")
    with page.expect_download() as everything:
        page.click("text=zip of PNG")
    with zipfile.ZipFile(everything.value.path()) as archive:
        assert len(archive.namelist()) == 2
    page.click("text=Does it help? >> nth=0")
    page.wait_for_selector("text=there are 2.")
    page.click("text=Add photos")
    page.set_input_files("#photos-field", mine[3:])
    page.click("button.main")
    page.wait_for_selector("text=6 of 6 done.")
    page.click("text=Does it help? >> nth=0")
    page.click("text=Check 5 photos")
    page.wait_for_selector("progress[aria-label='Progress of the check']")
    page.wait_for_selector("text=What was found")
    fits(seen, "web-helps")
    with page.expect_popup() as popup:
        page.click("text=The whole report")
    report = popup.value
    report.wait_for_load_state()
    assert report.locator("table").count()
    fits(replace(seen, page=report), "web-report")
    assert not [p for width in real.WIDTHS for p in problems(browser, live, page, width)]
    page.goto(live.address)
    page.click("button.bad")
    page.wait_for_selector("h1:has-text('Forgotten')")
    assert not [p for p in live.site.root.iterdir() if p.is_dir()]
    assert report.reload().status == 404
    seen.messages = [m for m in seen.messages if "404" not in m]
    silent(seen, live)


def test_axe_finds_nothing_where_a_token_is_asked_for(browser: Any, make: Make) -> None:
    with chromium.serving(make(access="the right one")) as live:
        page = opened(browser, live, bypass_csp=True).page
        found = violations(page)
        page.fill("#access", "a wrong one")
        page.click("button.main")
        page.wait_for_selector("text=That is not the token.")
        assert found + violations(page) == []


def test_by_keyboard_alone(browser: Any, live: Live, mine: list[Path]) -> None:
    """From the top of the page to forgetting, with Tab, arrows and Enter."""
    seen = opened(browser, live)
    page, press = seen.page, seen.page.keyboard.press
    press("Tab")
    assert page.locator(":focus").get_attribute("class") == "skip"
    reach(page, "#photos-field").set_input_files(mine[:3])  # the chooser is the system's
    reach(page, "button", "Cloak")
    press("Enter")
    page.wait_for_selector("text=3 of 3 done.")
    reach(page, "a", "Compare")
    press("Enter")
    page.wait_for_selector(".pair.over")
    reach(page, "#strength")
    press("ArrowLeft")
    assert page.get_attribute(".after", "src") == "/photo/1/7.jpg"
    reach(page, "#divide")
    press("Home")
    for text in ("Download PNG", "Download JPEG"):
        reach(page, "a", text)
        with page.expect_download() as one:
            press("Enter")
        assert one.value.path()
    page.goto(live.address)
    reach(page, "a", "zip of JPEG")
    with page.expect_download():
        press("Enter")
    reach(page, "a", "Does it help?")
    press("Enter")
    page.wait_for_selector("text=Check 3 photos")
    reach(page, "button", "Check 3 photos")
    press("Enter")
    page.wait_for_selector("text=What was found")
    reach(page, "a", "The whole report")
    with page.expect_popup() as popup:
        press("Enter")
    assert popup.value.locator("h1").count()
    page.goto(live.address)
    reach(page, "button", "Forget")
    press("Enter")
    page.wait_for_selector("h1:has-text('Forgotten')")
    silent(seen, live)


def test_without_javascript(browser: Any, live: Live, files: list[Path]) -> None:
    seen = opened(browser, live, java_script_enabled=False)
    page = seen.page
    page.set_input_files("#photos-field", files)
    page.click("button.main")
    page.wait_for_selector("text=3 of 3 done.")  # the page reloads itself
    page.click("text=Compare >> nth=0")
    page.click("text=3/8 >> nth=0")
    assert page.get_attribute(".after", "src") == "/photo/1/3.jpg"
    assert not page.is_visible("#strength")
    with page.expect_download() as one:
        page.click("text=Download JPEG")
    with Image.open(one.value.path()) as copy:
        assert copy.format == "JPEG"
    page.goto(live.address)
    with page.expect_download() as everything:
        page.click("text=zip of JPEG")
    assert zipfile.is_zipfile(everything.value.path())
    page.click("button.bad")
    assert "Forgotten" in page.title()
    silent(seen, live)
