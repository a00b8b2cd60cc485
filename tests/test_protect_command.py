"""`protect`, as a user meets it: one folder of everything a phone and the web may hold."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.protected import NAME

ROOT = Path(__file__).parents[1]
GPS = b"51 deg 28' 38 N"
"""Planted in a comment and in EXIF."""
MOST_MEMORY = 3_000_000_000
EXPECTED = {
    "3 megapixels upside down.jpg": "protected",
    "24 megapixels.jpg": "protected",
    "200 pixels.png": "protected",
    "two people.png": "protected",
    "nobody.webp": "no face",
    "grey.jpg": "protected",
    "cmyk.jpg": "protected",
    "16 bit.png": "protected",
    "on its side.jpg": "protected",
    "where it was taken.jpg": "protected",
    "truncated.jpg": "unreadable",
    "text.jpg": "unreadable",
    "bomb.png": "unreadable",
    "a [bold]name[bold]\nof two lines.jpg": "protected",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("phone")
    face = Image.fromarray(data.astronaut())
    large = face.resize((6000, 4000), box=(0, 0, 512, 341))

    def exif(orientation: int) -> Image.Exif:
        tags = Image.Exif()
        tags[0x0112], tags[0x010E] = orientation, GPS.decode()
        tags.get_ifd(0x8825)[1] = "N"
        return tags

    turned = face.transpose(Image.Transpose.ROTATE_90)
    large.resize((2000, 1500)).transpose(Image.Transpose.ROTATE_180).save(
        root / "3 megapixels upside down.jpg", exif=exif(3)
    )
    large.save(root / "24 megapixels.jpg", quality=90)
    face.resize((200, 200)).save(root / "200 pixels.png")
    two = Image.new("RGB", (1024, 512), "grey")
    two.paste(face, (512, 0))
    two.paste(face.resize((256, 256)).transpose(Image.Transpose.FLIP_LEFT_RIGHT), (40, 100))
    two.save(root / "two people.png")
    Image.effect_mandelbrot((300, 200), (-3, -2.5, 2, 2.5), 50).save(root / "nobody.webp")
    face.convert("L").save(root / "grey.jpg")
    face.convert("CMYK").save(root / "cmyk.jpg")
    grey = np.asarray(face.convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save(root / "16 bit.png")
    turned.save(root / "on its side.jpg", exif=exif(6))
    face.save(root / "where it was taken.jpg", exif=exif(1), comment=GPS)
    file = io.BytesIO()
    face.save(file, "JPEG")
    (root / "truncated.jpg").write_bytes(file.getvalue()[: len(file.getvalue()) // 2])
    (root / "text.jpg").write_text("Dear diary")
    (root / "bomb.png").write_bytes(bomb(60_000))
    (root / "a [bold]name[bold]\nof two lines.jpg").write_bytes(file.getvalue())
    return root


def bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that asks for gigabytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10**6)))
    )


WATCH = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""
"""Runs a command, and writes down the most memory that it took, in KiB. A small process of its own:
to a child counts what its parent had when it was forked."""


def protect(folder: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "cli.py"), "protect", str(folder), "--out", str(out)]
    quick = ["--surrogate", "dlib", "--attack", "lowkey:steps=1", "--cache", f"{out}-cache"]
    return subprocess.run(
        [sys.executable, "-c", WATCH, f"{out}-peak", *command, *quick, "--json", *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
    )


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    out = tmp_path_factory.mktemp("copies")
    ran = protect(folder, out)
    assert ran.returncode == 4, "some photos have no copy"
    return out, ran.stdout, ran.stderr


def test_every_file_has_a_status(run: tuple[Path, str, str]) -> None:
    _, stdout, stderr = run
    assert {o["name"]: o["status"] for o in json.loads(stdout)} == EXPECTED
    assert "Traceback" not in stderr
    for name, status in EXPECTED.items():
        shown = name.replace("\n", "\\n")
        assert f"{status}: {shown}" in stderr
    assert "10 protected" in stderr
    assert "NOT PROTECTED, 4 of 14: bomb.png (unreadable)" in stderr


def test_both_of_two_people_are_cloaked(run: tuple[Path, str, str]) -> None:
    faces = {o["name"]: o["faces"] for o in json.loads(run[1])}
    assert faces["two people.png"] == 2
    assert faces["24 megapixels.jpg"] == 1


def test_copies_are_upright_and_of_full_size(run: tuple[Path, str, str]) -> None:
    sizes = {p.stem: Image.open(p).size for p in run[0].glob("*.png")}
    assert sizes["24 megapixels"] == (6000, 4000)
    assert sizes["on its side"] == (512, 512)
    side = decode_pixels((run[0] / "on its side.png").read_bytes()).astype(int)
    assert np.abs(side - data.astronaut()).mean() < 5


def test_nothing_of_the_metadata_survives(run: tuple[Path, str, str], folder: Path) -> None:
    assert GPS in (folder / "where it was taken.jpg").read_bytes()
    for copy in run[0].glob("*.png"):
        assert GPS not in copy.read_bytes()
        assert not Image.open(copy).info


def test_memory_is_bounded(run: tuple[Path, str, str]) -> None:
    peak = int(Path(f"{run[0]}-peak").read_text())
    assert peak * 1024 < MOST_MEMORY


def test_a_second_run_does_nothing(run: tuple[Path, str, str], folder: Path) -> None:
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in run[0].iterdir()}
    again = protect(folder, run[0])
    statuses = {o["name"]: o["status"] for o in json.loads(again.stdout)}
    assert set(statuses.values()) == {"already protected", "no face", "unreadable"}
    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in run[0].iterdir()} == before
    assert (run[0] / NAME) in before


def test_bad_usage_is_one_line(folder: Path, tmp_path: Path) -> None:
    for options in (["--strength", "2"], ["--faces", "some"], ["--attack", "lowky"]):
        ran = protect(folder, tmp_path, *options)
        assert ran.returncode == 2
        assert "expected" in ran.stderr
        assert "Traceback" not in ran.stderr


def test_the_default_needs_nothing_that_is_not_here(folder: Path, tmp_path: Path) -> None:
    """Two surrogates of the zoo, and no assets."""
    ran = subprocess.run(
        [
            *(sys.executable, str(ROOT / "cli.py"), "protect", str(folder / "200 pixels.png")),
            *("--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")),
            *("--attack", "lowkey:steps=1"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CLOAK_ASSETS": str(tmp_path)},
    )
    assert ran.returncode == 0, ran.stderr
    assert "1 protected" in ran.stderr
