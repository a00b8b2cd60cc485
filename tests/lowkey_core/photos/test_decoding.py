"""Files of strangers in: pixels, or one line that says why not. Clean files out."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lowkey_core.errors import UnreadableImageError
from lowkey_core.photos import decoding
from lowkey_core.photos.decoding import (
    SIGNATURES,
    SUFFIXES,
    decode_pixels,
    encode_pixels,
    read_file,
)
from tests.lowkey_core.photos.picture_files import FILES, ICC, gradient, saved


def refusal(content: bytes, name: str = "holiday.jpg") -> UnreadableImageError:
    with pytest.raises(UnreadableImageError) as refused:
        decode_pixels(content, name)
    assert "\n" not in str(refused.value)
    return refused.value


@pytest.mark.parametrize("content", [b"", b"BMW drives", b"%PDF-1.7", b"II", b"GIF8", b"\x89PNG"])
def test_what_is_no_picture_is_said_so(content: bytes) -> None:
    error = refusal(content)
    assert error.reason == "not a picture"
    assert str(error).startswith("holiday.jpg cannot be read")


@pytest.mark.parametrize("kind", FILES)
def test_half_a_file_is_damaged(kind: str) -> None:
    assert refusal(FILES[kind][: len(FILES[kind]) // 2]).reason == "damaged"


def test_other_decoders_stay_shut() -> None:
    for file_format in ("PPM", "TGA", "ICO", "SGI", "JPEG2000", "AVIF", "PDF", "EPS"):
        assert refusal(saved(gradient(), file_format)).reason == "not a picture"


def test_every_suffix_is_of_a_format_that_is_opened() -> None:
    Image.init()
    assert {Image.EXTENSION[suffix] for suffix in SUFFIXES} <= {*SIGNATURES, "MPO", "DIB"}


def test_a_name_cannot_write_on_the_terminal() -> None:
    assert r"a\x1b[31mb" in str(refusal(b"", "a\x1b[31mb"))
    assert str(refusal(b"", "a\nb\udcff")).isprintable()


@pytest.mark.parametrize(
    ("cap", "value", "said"),
    [
        ("MAX_PIXELS", 24 * 16 - 1, "24x16"),
        ("MAX_SIDE", 23, "24x16"),
        ("MAX_BYTES", len(FILES["jpeg"]) - 1, "MB"),
    ],
)
def test_each_cap_is_kept(monkeypatch: pytest.MonkeyPatch, cap: str, value: int, said: str) -> None:
    monkeypatch.setattr(decoding, cap, value + 1)
    decode_pixels(FILES["jpeg"])
    monkeypatch.setattr(decoding, cap, value)
    error = refusal(FILES["jpeg"])
    assert (error.reason, said in str(error)) == ("too large", True)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *extra: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(8 * 25))
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *extra, chunk(b"IDAT", data)]
    ) + chunk(b"IEND", b"")


def webp(width: int, height: int) -> bytes:
    """An extended header of that canvas over a small picture."""
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
    """A TIFF whose every tag claims the same bytes."""
    entries = b"".join(struct.pack("<HHII", 1000 + i, 1, size, 8) for i in range(count))
    return struct.pack("<2sHIH", b"II", 42, 8, count) + entries + bytes(4) + bytes(size)


def scans(count: int, between: bytes = b"") -> bytes:
    whole = saved(Image.new("L", (512, 512)), "JPEG", progressive=True)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + (between + last) * count + whole[-2:]


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
    """A process of its own, as peaks never fall: none of the bombs may cost 50 MB."""
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
    """Cut short, or with bytes changed (headers above all), inserted or removed."""
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
    """`read`, or the reason why not; any other exception passes."""
    try:
        read = decode_pixels(content)
    except UnreadableImageError as error:
        return error.reason if str(error).isprintable() else "unprintable"
    return "read" if read.shape[2] == 3 else "misshapen"


def test_whatever_is_done_to_a_file_only_one_error_comes_out(
    capfd: pytest.CaptureFixture[str],
) -> None:
    rng = random.Random(0)
    found = Counter(outcome(mutated(c, rng)) for c in FILES.values() for _ in range(100))
    assert set(found) == {"read", "damaged", "not a picture", "too large"}
    assert found.total() >= 2000
    assert capfd.readouterr() == ("", ""), "libtiff and loggers keep quiet"


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*FILES.values()]), st.integers(2, 200), st.binary(min_size=1, max_size=60))
def test_any_bytes_after_any_header(content: bytes, kept: int, tail: bytes) -> None:
    assert outcome(content[:kept] + tail) in {"read", "damaged", "not a picture", "too large"}


@pytest.mark.parametrize(
    "raised",
    [
        MemoryError(),
        RecursionError(),
        zlib.error("x"),
        struct.error("x"),
        KeyError("x"),
        EOFError(),
    ],
)
def test_whatever_a_decoder_raises_is_one_error(
    monkeypatch: pytest.MonkeyPatch, raised: Exception
) -> None:
    def fails(picture: Image.Image) -> Image.Image:
        raise raised

    monkeypatch.setattr(decoding, "upright_rgb", fails)
    expected = "too large" if isinstance(raised, MemoryError) else "damaged"
    assert refusal(FILES["png"]).reason == expected


def test_an_interruption_is_not_a_damaged_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(picture: Image.Image) -> Image.Image:
        raise KeyboardInterrupt

    monkeypatch.setattr(decoding, "upright_rgb", interrupted)
    with pytest.raises(KeyboardInterrupt):
        decode_pixels(FILES["png"])


def test_reads_whole_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"12345")
    assert read_file(file) == b"12345"
    monkeypatch.setattr(decoding, "MAX_BYTES", 4)
    with pytest.raises(UnreadableImageError, match="MB") as refused:
        read_file(file)
    assert refused.value.reason == "too large"


def test_what_cannot_be_opened_is_said_so(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")  # opened, it would wait for ever
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").touch()
    wrong = ["fifo", "loop", "absent", ".", "file/below", "n" * 300, "nul\0", "\udcff"]
    for path in [*(tmp_path / name for name in wrong), Path("/dev/null"), Path("/dev/zero")]:
        with pytest.raises(UnreadableImageError, match="cannot be read") as refused:
            read_file(path)
        assert refused.value.reason == "unreadable"


def test_a_file_without_permission_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").touch(0)
    if os.access(tmp_path / "a.jpg", os.R_OK):  # root may read anything

        def denied(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(UnreadableImageError, match="Permission denied") as refused:
        read_file(tmp_path / "a.jpg")
    assert refused.value.reason == "unreadable"


def test_pixels_survive_a_lossless_file() -> None:
    truth = np.asarray(gradient())
    for file_format in ("PNG", "BMP", "TIFF"):
        assert np.array_equal(decode_pixels(encode_pixels(truth, file_format)), truth)


MARKER = b"Elm Street 13"


def marked() -> dict[str, bytes]:
    """A file of each format with the marker in every place it has for what is not pixels."""
    exif, picture = Image.Exif(), gradient()
    exif[0x010E] = exif[0x013B] = MARKER.decode()  # description, artist
    exif.get_ifd(0x8769)[0x9286] = MARKER  # user comment
    exif.get_ifd(0x8825)[0x001D] = MARKER.decode()  # GPS date stamp
    xmp, icc = b"<x:xmpmeta>" + MARKER + b"</x:xmpmeta>", ICC + MARKER
    both = {"exif": exif, "xmp": xmp, "icc_profile": icc}

    jpeg = saved(picture, "JPEG", comment=MARKER, **both)
    photoshop = b"Photoshop 3.0\x008BIM" + MARKER
    jpeg = jpeg[:2] + b"\xff\xed" + struct.pack(">H", len(photoshop) + 2) + photoshop + jpeg[2:]
    text = [
        chunk(b"tEXt", b"Author\0" + MARKER),
        chunk(b"zTXt", b"Author\0\0" + zlib.compress(MARKER)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp),
        chunk(b"prIv", MARKER),
    ]
    whole = saved(picture, "PNG", exif=exif, icc_profile=icc)
    tiff = {270: MARKER.decode(), 315: MARKER.decode(), 700: xmp, 33723: MARKER, 65000: MARKER}
    return {
        "jpeg": jpeg + MARKER,
        "mpo": saved(picture, "MPO", save_all=True, append_images=[picture], **both),
        "png": whole[:33] + b"".join(text) + whole[33:] + MARKER,
        "webp": saved(picture, "WEBP", **both),
        "tiff": saved(picture, "TIFF", tiffinfo=tiff, icc_profile=icc),
        "gif": saved(picture, "GIF", comment=MARKER),
        "bmp": saved(picture, "BMP") + MARKER,
    }


@pytest.mark.parametrize("kind", marked())
def test_nothing_but_pixels_is_written(kind: str) -> None:
    content = marked()[kind]
    assert MARKER in content
    out = decode_pixels(content)
    png, jpeg = encode_pixels(out, "PNG"), encode_pixels(out, "JPEG", quality=90)
    assert chunks(png) == {b"IHDR", b"IDAT", b"IEND"}
    assert segments(jpeg) <= {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}
    for written in (png, jpeg, encode_pixels(out, "WEBP")):
        assert MARKER not in written
        assert not Image.open(io.BytesIO(written)).getexif()


def chunks(png: bytes) -> set[bytes]:
    found, at = set(), 8
    while at < len(png):
        found.add(png[at + 4 : at + 8])
        at += 12 + int.from_bytes(png[at : at + 4])
    return found


def segments(jpeg: bytes) -> set[int]:
    """Markers up to the picture's data, APP0 only as JFIF without a thumbnail."""
    found, at = set[int](), 2
    while 0xDA not in found:
        found.add(jpeg[at + 1])
        if jpeg[at + 1] == 0xE0:
            assert jpeg[at + 4 : at + 9] == b"JFIF\0"
            assert jpeg[at + 16 : at + 18] == b"\0\0"
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    assert jpeg.endswith(b"\xff\xd9")
    return found
