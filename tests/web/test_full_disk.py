"""A disk that is really full: what comes is refused, what is there is served, and pages say what to
do."""

from __future__ import annotations

import io
import resource
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.web.conftest import picture
from tests.web.running import Running

pytestmark = pytest.mark.enable_socket
REMEDY = "Download what you have, press Forget, and try again; or try later."
LARGEST = 1_000_000
"""Bytes of a file that a limited process may write."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "none", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no small file system: mounting one takes root's rights")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def running_on(folder: Path) -> Iterator[Running]:
    one = Running(folder)
    yield one
    one.end()


@pytest.fixture
def running(disk: Path) -> Iterator[Running]:
    yield from running_on(disk)


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Running]:
    yield from running_on(tmp_path / "private")


def noise(side: int) -> bytes:
    """A PNG file of three bytes a pixel: nobody is in it."""
    file = io.BytesIO()
    shown = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(shown).save(file, "PNG")
    return file.getvalue()


def grainy() -> bytes:
    """A JPEG file with a face, whose copy as PNG is five times as large."""
    shown = Image.open(io.BytesIO(noise(1000)))
    shown.paste(Image.open(io.BytesIO(picture(side=500))), (250, 250))
    file = io.BytesIO()
    shown.save(file, "JPEG", quality=50)
    assert len(file.getvalue()) < LARGEST
    return file.getvalue()


def fill(disk: Path, but: int) -> Path:
    """A file that leaves so many bytes."""
    path = disk / "filler"
    with path.open("wb") as file:
        for size in (1 << 16, 1 << 12):
            while shutil.disk_usage(disk).free - size >= but:
                file.write(bytes(size))
                file.flush()
    return path


def settled(browser: Running, photos: int = 1) -> str:
    """The list, when nothing of it waits."""
    until = time.monotonic() + 60
    while 'data-busy="yes"' in (page := browser.ask("GET", "/photos")[1]):
        assert time.monotonic() < until, page
        time.sleep(0.1)
    return page


def served(browser: Running) -> None:
    """Somebody who has a cloaked photo sees it, and gets it, also in pieces of megabytes."""
    for address in ("/", "/photo/1", "/photo/1/8.jpg", "/about"):
        assert browser.ask("GET", address)[0] == 200
    status, copy = browser.got("GET", "/photo/1/copy")
    assert status == 200
    assert len(copy) > 2 * LARGEST
    with Image.open(io.BytesIO(copy)) as shown:
        shown.load()
    with zipfile.ZipFile(io.BytesIO(browser.got("GET", "/all.zip")[1])) as archive:
        assert archive.testzip() is None


def test_a_disk_without_room_to_spare_takes_no_photo(running: Running) -> None:
    """Of 16 MB less is free than has to stay so: the command as it is."""
    running.start()
    for photo in (picture(), noise(600)):
        status, page = running.sent(photo)
        assert status == 507
        assert REMEDY in page
    assert not list(running.folder.glob("*/"))
    code, said = running.stop()
    assert (code, "Traceback" in said) == (0, False), said


def test_a_disk_that_is_full_before_between_and_after(running: Running, disk: Path) -> None:
    running.start_with(spare_bytes=0)
    ada, bob = running.another(), running.another()
    assert ada.send(grainy()) == 303
    ada.wait(1)
    filler = fill(disk, but=0)
    for photo in (picture(1), noise(1200)):  # the latter does not fit into memory
        status, page = bob.sent(photo)
        assert status == 507
        assert REMEDY in page
    assert "no such photo" in bob.ask("GET", "/photo/1")[1]
    served(ada)
    filler.unlink()
    small = picture(1, side=300)
    filler = fill(disk, but=2 * len(small))
    assert bob.send(small) == 303, "the photo itself fits"
    page = settled(bob)
    assert "there was no room to store its copies" in page or "Go on" in page, page
    served(ada)
    assert "deleted" in bob.press("/forget")[1]
    filler.unlink()
    assert bob.send(small) == 303
    bob.wait(1)
    code, said = running.stop()
    assert (code, "Traceback" in said, "Error" in said) == (0, False, False), said
    assert not list(disk.iterdir())


def test_a_file_that_may_not_grow_harms_nobody(limited: Running) -> None:
    """As a quota would have it, for whoever may not mount a disk."""
    most = (LARGEST, LARGEST)
    limited.start_with(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, most), spare_bytes=0)
    ada, bob = limited.another(), limited.another()
    assert ada.send(grainy()) == 303
    ada.wait(1)
    status, page = bob.sent(noise(1200))
    assert status == 507
    assert REMEDY in page
    served(ada)
    assert bob.send(picture(1)) == 303
    bob.wait(1)
    code, said = limited.stop()
    assert (code, "Traceback" in said) == (0, False), said
    assert not limited.folder.exists()
