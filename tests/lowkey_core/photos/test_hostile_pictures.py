"""Decompression bombs and damaged files: one kind of error, little memory."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lowkey_core.errors import REASONS, UnreadableImageError
from lowkey_core.photos.decoding import decode_pixels
from tests.lowkey_core.photos.picture_files import FILES, chunk, gradient, refusal, saved


def png(width: int, height: int, *extra: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(8 * 25))
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *extra, chunk(b"IDAT", data)]
    ) + chunk(b"IEND", b"")


def webp(width: int, height: int) -> bytes:
    """A small picture behind an extended header that declares this canvas."""
    canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + FILES["webp lossless"][12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif(canvas: int, frame: int) -> bytes:
    screen = struct.pack("<HHBBB", canvas, canvas, 0x80, 0, 0) + bytes(6)
    return (
        b"GIF89a" + screen + b"," + struct.pack("<HHHHB", 0, 0, frame, frame, 0) + b"\2\2\x4c\1\0;"
    )


def tiled(width: int, side: int, data: bytes) -> bytes:
    tags = {256: width, 257: width, 258: 8, 259: 8, 262: 1, 277: 1, 322: side, 323: side}
    tags |= {324: 8 + 2 + 12 * 10 + 4, 325: len(data)}
    entries = b"".join(struct.pack("<HHII", t, 4, 1, v) for t, v in tags.items())
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4) + data


def bmp(width: int, height: int) -> bytes:
    return b"BM" + bytes(12) + struct.pack("<IiiHHIIIIII", 40, width, height, 1, 24, *[0] * 6)


def overlapping_tags(count: int, size: int) -> bytes:
    """A TIFF in which all tags claim the same bytes."""
    entries = b"".join(struct.pack("<HHII", 1000 + i, 1, size, 8) for i in range(count))
    return struct.pack("<2sHIH", b"II", 42, 8, count) + entries + bytes(4) + bytes(size)


def scans(count: int, between: bytes = b"") -> bytes:
    whole = saved(Image.new("L", (512, 512)), "JPEG", progressive=True)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + (between + last) * count + whole[-2:]


def phone(kind: str, width: int, height: int) -> bytes:
    """A small picture of a format in boxes that declares this size."""
    content, box = FILES[kind], {"avif": b"ispe", "jpeg 2000": b"ihdr"}[kind]
    start = content.index(box) + (8 if kind == "avif" else 4)
    sides = (width, height) if kind == "avif" else (height, width)
    changed = content[:start] + b"".join(v.to_bytes(4) for v in sides) + content[start + 8 :]
    if kind == "avif":
        return changed
    size = changed.index(b"\xff\x51") + 6  # SIZ: length, capabilities, then the size
    return changed[:size] + b"".join(v.to_bytes(4) for v in sides[::-1]) + changed[size + 8 :]


JPEG_XL_BOMB = b"\xff\x0a" + (3 << 1 | (2**30 - 1) << 3 | 1 << 33).to_bytes(8, "little")
"""A square picture whose height is written with 30 bits, all of them 1."""


def bombs() -> dict[str, bytes]:
    packed = zlib.compress(bytes(200_000_000), 9)
    return {
        "png declares": png(100_000, 100_000),
        "png text": png(8, 8, chunk(b"zTXt", b"a\0\0" + packed)),
        "png international text": png(8, 8, chunk(b"iTXt", b"a\0\1\0\0\0" + packed)),
        "png profile": png(8, 8, chunk(b"iCCP", b"a\0\0" + packed)),
        "webp canvas": webp(16_383, 16_383),
        "webp 24 bit canvas": webp(1 << 24, 1 << 24),
        "gif canvas": gif(65_535, 1),
        "gif frame": gif(1, 65_535),
        "tiff declares": tiled(1 << 30, 16, b""),
        "tiff tile": tiled(16, 16_000, packed),
        "avif declares": phone("avif", 10_000, 10_000),
        "jpeg 2000 declares": phone("jpeg 2000", 60_000, 60_000),
        "jpeg xl declares": b"\xff\x0a"
        + (3 << 1 | (2**30 - 1) << 3 | 1 << 33).to_bytes(8, "little"),
        "bmp declares": bmp(60_000, 60_000),
        "bmp upside down": bmp(60_000, -60_000),
        "jpeg scans": scans(200),
        "jpeg scans behind a marker without a length": scans(200, b"\xff\x01"),
    }


def test_bombs_are_refused_as_too_large() -> None:
    for kind, content in bombs().items():
        assert refusal(content, kind).reason == "too large", kind


def test_absurd_tags_are_refused() -> None:
    assert refusal(overlapping_tags(5000, 100_000)).reason == "damaged"


def test_a_jpeg_of_few_scans_is_read_and_thumbnails_do_not_count() -> None:
    assert decode_pixels(scans(20)).shape == (512, 512, 3)
    exif = Image.Exif()
    exif[0x010E] = "\xff\xda" * 300
    assert decode_pixels(saved(gradient(), "JPEG", exif=exif)).shape == (16, 24, 3)
    assert decode_pixels(FILES["jpeg"] + b"\xff\xda" * 300).shape == (16, 24, 3)


def test_a_run_of_fill_bytes_takes_linear_time() -> None:
    """A hundred times as long as one that took quadratic time a minute."""
    whole = FILES["jpeg"]
    scan = whole.index(b"\xff\xda")
    start = scan + 2 + int.from_bytes(whole[scan + 2 : scan + 4])
    filled = whole[:start] + b"\xff" * 8_000_000 + b"\0" + whole[start:]
    assert outcome(filled) in {"read", "damaged"}


PEAK = """
import sys
from lowkey_core.errors import UnreadableImageError
from lowkey_core.photos.decoding import decode_pixels
def peak():
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) / 1e3
before = peak()
for path in sys.argv[1:]:
    try:
        decode_pixels(open(path, "rb").read())
    except UnreadableImageError:
        pass
print(peak() - before, "torch" in sys.modules)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="peak memory is read there")
def test_bombs_take_no_memory(tmp_path: Path) -> None:
    """In a process of its own, as a peak never falls: all together stay below 50 MB."""
    files = {**bombs(), "tags": overlapping_tags(5000, 100_000), "short": FILES["jpeg"][:300]}
    for i, content in enumerate(files.values()):
        (tmp_path / str(i)).write_bytes(content)
    paths = sorted(map(str, tmp_path.iterdir()))
    run = subprocess.run(
        [sys.executable, "-c", PEAK, *paths], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    megabytes, torch_imported = run.stdout.split()
    assert float(megabytes) < 50
    assert torch_imported == "False"


def mutated(content: bytes, rng: random.Random) -> bytes:
    """`content` truncated, or with bytes changed (mostly in headers), inserted or removed."""
    if rng.random() < 0.15:
        return content[: rng.randrange(len(content))]
    changed = bytearray(content)
    for _ in range(rng.choice((1, 2, 8))):
        at = rng.randrange(min(len(changed), rng.choice((64, 512, len(changed)))))
        changed[at : at + 1] = rng.choice((b"\0", b"\xff", b"\x7f", b"", rng.randbytes(1)))
    if rng.random() < 0.15:
        at = rng.randrange(len(changed))
        changed[at:at] = changed[at : at + rng.randrange(60)]
    return bytes(changed)


def outcome(content: bytes) -> str:
    """`read`, or the reason of the refusal. Other exceptions are not caught."""
    try:
        read = decode_pixels(content)
    except UnreadableImageError as error:
        return error.reason if str(error).isprintable() else "unprintable"
    return "read" if read.shape[2] == 3 else "misshapen"


def test_mutated_files_raise_one_kind_of_error_only(
    capfd: pytest.CaptureFixture[str],
) -> None:
    rng = random.Random(0)
    found = Counter(outcome(mutated(c, rng)) for c in FILES.values() for _ in range(100))
    assert {"read", "damaged", "not a picture", "too large"} <= set(found)
    assert set(found) <= {"read", *REASONS}
    assert found.total() >= 2000
    assert capfd.readouterr() == ("", ""), "neither libtiff nor loggers print anything"


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*FILES.values()]), st.integers(2, 200), st.binary(min_size=1, max_size=60))
def test_any_bytes_after_any_header(content: bytes, kept: int, tail: bytes) -> None:
    assert outcome(content[:kept] + tail) in {"read", *REASONS}
