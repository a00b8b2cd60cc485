"""Photos in, copies out: what a person sees and gets."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from audit import choices, session
from lowkey_core.faces.paste import retouched
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.images import to_pixels
from lowkey_core.publish.settings import Settings
from lowkey_core.types import ARCFACE
from lowkey_core.work import provenance
from tests.conftest import whole
from tests.web.conftest import Browser, Make, Site, picture
from web.limits import DISPLAY, EIGHTHS
from web.measured import measured
from web.previews import displayed, redisplayed


@pytest.fixture
def browser(site: Site) -> Browser:
    return site.browser()


def test_the_first_page_says_first_what_cloaks_do_not_do(browser: Browser) -> None:
    page = browser.get("/").text
    assert page.index("What cloaks do not protect against") < page.index("Add photos")
    for figure in (measured().retrained, measured().detected):
        assert figure in page


def test_a_photo_is_cloaked_and_shown_in_eight_strengths(browser: Browser, site: Site) -> None:
    answer = browser.send(("me.png", picture()))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    site.wait()
    assert "cloaked, 1 face" in browser.get("/").text
    page = browser.get("/photo/1").text
    assert page.count("data-strength=") == EIGHTHS
    assert "tiny2" in page
    assert "net2.py" not in page, "recognisers are called as their cards say"
    before = decode_pixels(browser.get("/photo/1/0.jpg").data)
    steps = [
        np.abs(decode_pixels(browser.get(f"/photo/1/{k}.jpg").data).astype(int) - before).mean()
        for k in range(1, EIGHTHS + 1)
    ]
    assert steps == sorted(steps)
    assert steps[0] > 0
    assert browser.get("/photo/1/faces-8.jpg").status_code == 200


def test_the_copy_is_the_file_that_protect_writes(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    """Bit for bit, at a strength of one's own."""
    browser.send(("me.png", picture()), attack="lowkey:steps=1")
    site.wait()
    browser.post("/photo/1/strength", eighths="3")
    got = browser.get("/photo/1/copy?format=png").data
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "me.png").write_bytes(picture())
    engine = site.running.engine
    plan = choices.make(given={**engine.given, "attack": ["lowkey:steps=1"]})
    out = tmp_path / "out"
    settings = Settings(strength=3 / 8)
    assert list(session.protect([tmp_path / "in"], out, plan, settings, tmp_path / "cache"))
    assert got == (out / "me.png").read_bytes()


def test_likeness_and_visibility_grow_with_the_strength(browser: Browser, site: Site) -> None:
    browser.send(("me.png", picture()))
    site.wait()
    done = json.loads(next(site.root.glob("*/photos/1/done.json")).read_text())
    assert len(done["dssim"]) == EIGHTHS
    assert done["dssim"] == sorted(done["dssim"])
    assert len(done["likeness"]) == 2
    for plain, *cloaked in done["likeness"].values():
        assert len(cloaked) == EIGHTHS
        assert plain > cloaked[-1], "a plain JPEG copy is more like the photo than a cloaked one"


def test_all_copies_come_as_one_archive(browser: Browser, site: Site) -> None:
    browser.send(("Zoë on the beach.png", picture()), ("b/../../etc/passwd.jpg", picture(1)))
    site.wait()
    answer = browser.get("/all.zip?format=jpeg")
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["01 Zoë on the beach.jpg", "02 passwd.jpg"]
        with Image.open(archive.open("02 passwd.jpg")) as shown:
            assert shown.format == "JPEG"


def test_a_photo_without_a_face_and_one_that_is_none_are_said_so(
    browser: Browser, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lowkey_core.faces import detection

    monkeypatch.setattr(detection, "detect_all", lambda photos: [[] for _ in photos])
    answer = browser.send(("nobody.png", picture()), ("diary.jpg", b"Dear diary"))
    assert answer.status_code == 422
    assert "diary.jpg" in answer.text
    assert "no photo" in answer.text
    assert "1 was taken" in answer.text
    site.wait()
    assert "no face was found" in browser.get("/").text
    assert browser.get("/photo/1/copy").status_code == 404


def test_the_content_decides_the_type(browser: Browser, site: Site) -> None:
    browser.send(("photo.exe", picture(form="JPEG")))
    site.wait()
    assert "cloaked, 1 face" in browser.get("/").text


def test_strengths_are_chosen_for_one_or_for_all(browser: Browser, site: Site) -> None:
    browser.send(("a.png", picture()), ("b.png", picture(1)), eighths="4")
    site.wait()
    assert browser.get("/").text.count("at 4/8 of the change") == 2
    browser.post("/photo/1/strength", eighths="2")
    assert browser.get("/").text.count("at 2/8 of the change") == 1
    browser.post("/strength", eighths="7")
    assert browser.get("/").text.count("at 7/8 of the change") == 2
    assert browser.post("/strength", eighths="9").status_code == 400


def test_a_preview_has_display_size_and_a_copy_its_own(browser: Browser, site: Site) -> None:
    browser.send(("large.jpg", picture(side=2 * DISPLAY, form="JPEG")))
    site.wait(120)
    assert decode_pixels(browser.get("/photo/1/8.jpg").data).shape[0] == DISPLAY
    assert decode_pixels(browser.get("/photo/1/copy").data).shape[0] == 2 * DISPLAY


def test_where_it_was_taken_is_not_in_the_copy(browser: Browser, site: Site) -> None:
    tags = Image.Exif()
    tags[0x010E] = "51 deg 28' 38 N"
    browser.send(("home.jpg", picture(form="JPEG", exif=tags)))
    site.wait()
    for form in ("png", "jpeg"):
        assert b"51 deg" not in browser.get(f"/photo/1/copy?format={form}").data


def test_a_second_upload_is_added(browser: Browser, site: Site) -> None:
    browser.send(("a.png", picture()))
    browser.send(("b.png", picture(1)))
    site.wait()
    assert browser.get("/").text.count("cloaked, 1 face") == 2


def test_one_cloak_that_fails_harms_nobody(make: Make, tmp_path: Path) -> None:
    (tmp_path / "invert.py").write_text("def build():\n    return lambda faces, rng: 1 / 0\n")
    provenance.fingerprint.cache_clear() if hasattr(provenance.fingerprint, "cache_clear") else None
    site = make()
    browser = site.browser()
    browser.send(("a.png", picture()))
    browser.send(("b.png", picture(1)), attack="lowkey:steps=1")
    site.wait()
    page = browser.get("/").text
    assert "not possible" in page
    assert "cloaked, 1 face" in page
    assert "Traceback" not in page


def test_a_preview_that_is_made_again_in_parts_is_the_whole_one(astronaut: Tensor) -> None:
    """To two grey levels, and at the edges of the photo, too."""
    before = to_pixels(astronaut).repeat(3, 0).repeat(4, 1)
    frames = (whole(before[:400, :300]), whole(before[:900, :1100]))
    warps = torch.stack([frame.to(ARCFACE) for (frame,) in frames])
    change = torch.full((2, 3, 112, 112), 0.2)
    for pixels in (before, before[:1000, :1000]):
        changed = retouched(pixels, warps, change)
        made = redisplayed(displayed(pixels), changed, warps).astype(int)
        assert made.shape == displayed(changed).shape
        assert abs(made - displayed(changed)).max() <= 2
        assert abs(made - displayed(pixels)).max() > 20
