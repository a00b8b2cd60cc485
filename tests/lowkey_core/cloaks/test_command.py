"""Somebody's program as a cloak: photos in a folder, copies in another."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from torch import Generator

from lowkey_core.cloaks import load
from lowkey_core.errors import OptionError, PluginError
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.photos.decoding import encode_pixels
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.spec import Spec
from lowkey_core.types import Pictures
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.conftest import whole

INVERT = "ImageOps.invert(photo).save(pathlib.Path(target, file.stem + '_cloaked.png'))"


@pytest.fixture
def photos(tmp_path: Path) -> Pictures:
    items = []
    for i in range(5):
        pixels = np.random.default_rng(i).integers(0, 256, (40, 50 + i, 3), dtype=np.uint8)
        content = encode_pixels(pixels, "PNG")
        (tmp_path / f"{i}.png").write_bytes(content)
        photo = Photo("", f"{i}.png", tmp_path / f"{i}.png")
        items.append(PhotoPicture(photo, i, digest_of(content), whole(pixels)[0]))
    return Pictures(tuple(items))


def published(
    photos: Pictures, folder: Path, does: str, work: Work | None = None, **options: int
) -> Pictures:
    """What is published if the program does this with each photo."""
    program = folder / "my tool.py"
    program.write_text(
        "import pathlib, sys, time\nfrom PIL import Image, ImageOps\n"
        f"source, target = sys.argv[1:]\nopen({str(folder / 'calls')!r}, 'a').write('x')\n"
        "for file in sorted(pathlib.Path(source).iterdir()):\n"
        f"    photo = Image.open(file).convert('RGB')\n    {does}\n"
    )
    spec = Spec("command", f"'{sys.executable}' '{program}' {{in}} {{out}}", options)
    cloak = load(str(spec), list, work or Work())
    return cloak.published(photos, Generator())  # type: ignore[union-attr]


def test_the_photo_is_the_programs_and_its_face_where_it_was(
    photos: Pictures, tmp_path: Path
) -> None:
    made = published(photos, tmp_path, INVERT)
    assert made.names == photos.names
    for after, before in zip(made.items, photos.items, strict=True):
        assert np.array_equal(after.pixels(), 255 - before.pixels())
        assert isinstance(after, PhotoPicture)
        assert isinstance(before, PhotoPicture)
        assert after.frame is before.frame
    assert not {*made.digests} & {*photos.digests}


def test_runs_once_for_every_few_photos_and_never_twice(photos: Pictures, tmp_path: Path) -> None:
    for _ in range(2):
        made = published(photos, tmp_path, INVERT, Work(Cache(tmp_path / "cache")), batch=2)
    assert (tmp_path / "calls").read_text() == "x" * 3
    assert made.digests == published(photos, tmp_path, INVERT).digests


def test_a_photo_without_a_copy_is_published_as_it_is_and_counted(
    photos: Pictures, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = published(photos, tmp_path, f"'000001' in file.stem or {INVERT}")
    assert made.items[1] is photos.items[1]
    assert made.digests[0] != photos.digests[0]
    assert "no copy of 1 of 5 photos" in caplog.text


@pytest.mark.parametrize(
    ("does", "told"),
    [
        ("sys.exit('no GPU here')", "exited with 1: no GPU here"),
        ("pass", "wrote no copy of 5 photos"),
        ("time.sleep(9)", "took more than 1 seconds"),
        ("pathlib.Path(target, file.name).write_text('oops')", "is no picture"),
        ("photo.resize((9, 9)).save(pathlib.Path(target, file.name))", "is 9x9; expected"),
    ],
)
def test_a_program_that_fails_is_said_so(
    photos: Pictures, tmp_path: Path, does: str, told: str
) -> None:
    with pytest.raises(PluginError, match=told):
        published(photos, tmp_path, does, seconds=1 if "sleep" in does else 60)


def test_a_program_that_is_not_there_is_said_so(photos: Pictures) -> None:
    cloak = load('command:"no-such-program {in} {out}"', list)
    with pytest.raises(PluginError, match="no-such-program did not start"):
        cloak.published(photos, Generator())  # type: ignore[union-attr]


@pytest.mark.parametrize("line", ["", "tool {in}", "tool {out}"])
def test_is_told_where_photos_and_copies_go(line: str) -> None:
    with pytest.raises(OptionError, match=r"\{in\} and \{out\}"):
        load(f'command:"{line}"', list)


def test_an_unclosed_quote_in_the_line_is_an_option_error() -> None:
    with pytest.raises(OptionError, match="command"):
        load('command:"tool \'x {in} {out}"', list)


def test_claims_nothing_of_what_it_was_optimised_against() -> None:
    assert load('command:"tool {in} {out}"', list).about.against is None
