"""Cloaked copies of whole photos: every face, nothing else, nothing lost, nothing twice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from torch import Generator, Tensor

from lowkey_core.errors import OptionError
from lowkey_core.faces.detection import cut
from lowkey_core.photos.decoding import Pixels, decode_pixels
from lowkey_core.photos.folders import PREVIEWS
from lowkey_core.photos.protected import NAME
from lowkey_core.publish.protect import Protector
from lowkey_core.publish.published import Published
from lowkey_core.publish.settings import Settings
from lowkey_core.publish.sources import named, sources
from lowkey_core.types import Images
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.lowkey_core.publish.copying import (
    SEEN,
    WARPS,
    Brighter,
    full,
    run,
)

pytestmark = pytest.mark.usefixtures("somebody")


def face(pixels: Pixels, warp: Tensor) -> Images:
    return cut(pixels, warp)[None].float().div(255)


def change(folder: Path, out: Path) -> np.ndarray:
    """What happened to a.png, in grey levels."""
    before, after = (decode_pixels((f / "a.png").read_bytes()) for f in (folder, out))
    return after.astype(int) - before


def test_every_file_has_a_status(folder: Path, tmp_path: Path) -> None:
    outcomes = run(folder, tmp_path / "out")
    assert {name: o.status for name, o in outcomes.items()} == {
        "a.png": "protected",
        "nobody.png": "no face",
        "sub/b.jpg": "protected",
        "text.jpg": "unreadable",
    }
    assert outcomes["text.jpg"].detail
    written = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    assert written == {"a.png", "sub/b.png", NAME}


def test_pixels_away_from_faces_stay_and_faces_change(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "out")
    changed = change(folder, tmp_path / "out")
    for seen in SEEN:
        middle = changed[seen][30:-30, 30:-30]
        assert abs(middle.mean() - 20) < 0.5
        changed[seen] = 0
    assert not changed.any()


def test_strength_scales_the_change(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "half", strength=0.5)
    run(folder, tmp_path / "none", strength=0.0)
    assert abs(change(folder, tmp_path / "half")[60:110, 50:100].mean() - 10) < 0.5
    assert not change(folder, tmp_path / "none").any()


def test_the_largest_face_alone(folder: Path, tmp_path: Path) -> None:
    assert run(folder, tmp_path / "out", faces="largest")["a.png"].faces == 1
    changed = change(folder, tmp_path / "out")
    assert not changed[SEEN[0]].any()
    assert changed[SEEN[1]].any()


def test_what_the_outcome_says_is_what_the_file_holds(folder: Path, tmp_path: Path) -> None:
    from lowkey_core.faces.visibility import dssim

    out = tmp_path / "out"
    outcome = run(folder, out, file_format="jpeg", quality=60)["a.png"]
    before, after = (
        decode_pixels(path.read_bytes()) for path in (folder / "a.png", out / outcome.copy)
    )
    seen = [dssim(face(before, w), face(after, w)).item() for w in WARPS]
    assert outcome.dssim == pytest.approx(max(seen))
    assert outcome.copy == "a.jpg"


def test_previews_on_request(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(folder, out, preview=True)
    sheet: Pixels = decode_pixels((out / PREVIEWS / "a.png.png").read_bytes())
    assert sheet.shape[0] == 2 * 512, "a row for each face"


def test_a_disk_that_is_full_is_said_so(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lowkey_core.publish import protect

    monkeypatch.setattr(protect, "write_atomically", full)
    outcome = run(folder, tmp_path / "out")["a.png"]
    assert outcome.status == "not written"
    assert "No space left" in outcome.detail
    monkeypatch.undo()


@pytest.mark.parametrize(
    "wrong",
    [
        {"strength": 1.5},
        {"strength": -0.1},
        {"quality": 0},
        {"faces": "one"},
        {"file_format": "x"},
        {"quality": 50},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="expected"):
        Settings(**wrong)  # type: ignore[arg-type]


def test_the_cache_spares_the_cloak(folder: Path, tmp_path: Path) -> None:
    """The same photo into another folder."""
    work = Work(Cache(tmp_path / "cache"))
    run(folder, tmp_path / "one", work)
    cloak = Brighter()
    published = Published(cloak, work, name="it")
    settings = Settings(strength=0.5)
    protector = Protector(tmp_path / "two", published, settings, work, Generator().manual_seed(0))
    (tmp_path / "two").mkdir()
    photos = named(sources([folder], tmp_path / "two").photos, lambda _: ".png")
    outcomes = list(protector.protect(photos))
    assert [o.status for o in outcomes].count("protected") == 2


def test_the_ledger_is_json_by_the_line(folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "out")
    lines = (tmp_path / "out" / NAME).read_text().splitlines()
    assert [json.loads(line)["name"] for line in lines] == sorted(
        ["a.png", "nobody.png", "sub/b.jpg", "text.jpg"]
    )
