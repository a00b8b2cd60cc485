"""A copy keeps what its photo's file holds, or its line says what it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lowkey_core.faces import detection
from lowkey_core.photos import animation, original
from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from lowkey_core.photos.folders import PREVIEWS
from tests.lowkey_core.publish.copying import PHOTO, SEEN, run, twice

pytestmark = pytest.mark.usefixtures("somebody")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return twice(tmp_path / "photos")


def test_a_grey_photo_has_a_grey_copy(folder: Path, tmp_path: Path) -> None:
    Image.fromarray(PHOTO[..., 0]).save(folder / "grey.png")
    deep = PHOTO[..., 0].astype(np.uint16) * 257
    Image.fromarray(deep).save(folder / "deep.png")
    outcomes = run(folder, tmp_path / "out")
    grey, copy = (Image.open(tmp_path / "out" / f"{name}.png") for name in ("grey", "deep"))
    assert (grey.mode, copy.mode) == ("L", "I;16")
    assert (
        abs((np.asarray(copy).astype(int) - deep)[SEEN[0]][30:-30, 30:-30].mean() - 20 * 257) < 130
    )
    assert np.array_equal(np.asarray(copy)[:, :15], deep[:, :15])
    assert outcomes["deep.png"].detail == ""


def test_a_cut_out_stays_one(folder: Path, tmp_path: Path) -> None:
    alpha = Image.new("L", (440, 260))
    alpha.paste(255, (10, 10, 430, 250))
    picture = Image.fromarray(PHOTO)
    picture.putalpha(alpha)
    picture.save(folder / "cut.png")
    assert run(folder, tmp_path / "out", file_format="same")["cut.png"].detail == ""
    copy = Image.open(tmp_path / "out" / "cut.png")
    assert np.array_equal(np.asarray(copy.getchannel("A")), np.asarray(alpha))
    flat = run(folder, tmp_path / "flat", file_format="jpeg")["cut.png"]
    assert flat.detail == "what was transparent became white"


def test_the_same_format_keeps_jpeg_and_its_quality(folder: Path, tmp_path: Path) -> None:
    (folder / "photo.dat").write_bytes(encode_pixels(PHOTO, "JPEG", quality=83))
    (folder / "w.webp").write_bytes(encode_pixels(PHOTO, "WEBP", lossless=True))
    outcomes = run(folder, tmp_path / "out", file_format="same")
    assert [o.copy for o in outcomes.values()] == ["a.png", "photo.jpg", "w.png", "z.png"]
    copy = original.read((tmp_path / "out" / "photo.jpg").read_bytes())
    assert copy.quality == 83
    asked = run(folder, tmp_path / "asked", file_format="same", quality=60)["photo.dat"]
    assert original.read((tmp_path / "asked" / asked.copy).read_bytes()).quality == 60


def test_an_animation_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    picture = Image.fromarray(PHOTO)
    picture.save(folder / "m.gif", save_all=True, append_images=[picture.rotate(180)])
    outcome = run(folder, tmp_path / "out")["m.gif"]
    assert outcome.status == "unsupported"
    assert outcome.detail == "an animation of 2 frames: cloaked if frames are asked for"


def animated(path: Path, *frames: np.ndarray, **options: object) -> None:
    first, *others = map(Image.fromarray, frames)
    first.save(path, save_all=True, append_images=others, **options)


@pytest.mark.parametrize("name", ["m.png", "m.gif", "m.webp"])
def test_an_animation_is_cloaked_frame_by_frame(folder: Path, tmp_path: Path, name: str) -> None:
    lossless = {"lossless": True} if name == "m.webp" else {}
    frames = [PHOTO, np.zeros_like(PHOTO), PHOTO[::-1]]
    animated(folder / name, *frames, duration=[100, 200, 300], loop=0, **lossless)
    outcome = run(folder, tmp_path / "out", frames=True, preview=True)[name]
    assert (outcome.status, outcome.faces) == ("protected", 2)
    assert outcome.detail == "3 frames, as an animated PNG"
    before, after = (
        animation.read(path.read_bytes()) for path in (folder / name, tmp_path / "out" / "m.png")
    )
    assert (after.durations, after.loop) == ([100, 200, 300], 0)
    steps = [
        decode_pixels(two).astype(int) - decode_pixels(one)
        for one, two in zip(before.frames, after.frames, strict=True)
    ]
    assert not steps[1].any(), "nobody is in a black frame"
    for step in (steps[0], steps[2]):
        assert abs(step[SEEN[0]][30:-30, 30:-30].mean() - 20) < 1
        assert not step[:, :15].any()
    sheet = decode_pixels((tmp_path / "out" / PREVIEWS / "m.png.png").read_bytes())
    assert sheet.shape[0] == 2 * 512


def test_an_animation_of_nobody_has_no_face(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "detect_all", lambda photos: [[] for _ in photos])
    animated(folder / "m.png", PHOTO, PHOTO[::-1])
    assert run(folder, tmp_path / "out", frames=True)["m.png"].status == "no face"


def test_jpeg_holds_no_animation(folder: Path, tmp_path: Path) -> None:
    animated(folder / "m.gif", PHOTO, PHOTO[::-1])
    outcome = run(folder, tmp_path / "out", frames=True, file_format="jpeg")["m.gif"]
    assert (outcome.status, outcome.detail) == ("unsupported", "an animation of 2 frames: no JPEG")
