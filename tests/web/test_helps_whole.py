""" "Does it help?" as people get it: the command as it is, real photos, LFW as the world."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from lowkey_core import datasets
from tests.web.running import Running

PHOTOS = 6


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    one = Running(tmp_path / "private")
    yield one
    one.end()


def photos() -> list[bytes]:
    """Of one person; in the first somebody smaller stands beside, in a last one nobody is."""
    several = [each for each in datasets.load("lfw").by_identity.values() if len(each) > PHOTOS]
    mine = [photo.read() for photo in several[0][:PHOTOS]]
    me, other = (Image.open(io.BytesIO(content)) for content in (mine[0], several[1][0].read()))
    both = Image.new("RGB", (400, 250), (90, 90, 90))
    both.paste(me, (75, 0))
    both.paste(other.resize((100, 100)), (300, 75))
    nobody = Image.new("RGB", (250, 250), (20, 60, 120))
    return [as_png(both), *mine[1:], as_png(nobody)]


def as_png(shown: Image.Image) -> bytes:
    file = io.BytesIO()
    shown.save(file, "PNG")
    return file.getvalue()


@pytest.mark.slow
@pytest.mark.faces
@pytest.mark.enable_socket
@pytest.mark.timeout(3600)
def test_the_whole_check_answers_about_real_photos(running: Running) -> None:
    running.start(options=())
    assert running.send(*photos()) == 303
    until, everything = time.monotonic() + 300, f"{PHOTOS + 1} of {PHOTOS + 1} done."
    while everything not in (page := running.ask("GET", "/photos")[1]):
        assert time.monotonic() < until, page
        time.sleep(0.5)
    assert "cloaked, 2 faces" in page[: page.index("photo-2")]
    assert "no face was found" in page[page.index(f"photo-{PHOTOS + 1}") :]
    began = time.monotonic()
    assert running.press("/help")[0] == 303
    seen = set[str]()
    while "What was found" not in (page := running.ask("GET", "/help")[1]):
        assert "blocking" not in page, page
        if said := re.search(r'role="status">([^:;<]+)', page):
            seen.add(said[1])
        assert time.monotonic() - began < 3000, page
        time.sleep(2)
    print(f"{time.monotonic() - began:.0f} s; {sorted(seen)}")
    assert len(seen) > 3, "its stages are shown"
    assert f"Before cloaking: of your {PHOTOS // 2} other photos" in page
    assert "What this does not say" in page
    status, report = running.ask("GET", "/help/report")
    assert status == 200
    assert report.lower().startswith("<!doctype html>")
    code, told = running.stop()
    assert (code, "Traceback" in told) == (0, False), told
    assert not running.folder.exists()
