"""What a file is, by its content; what it claims to be, by its name."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
from PIL import Image

from lowkey_core.photos import jpeg_xl
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.folders import contents
from lowkey_core.photos.formats import SIGNATURES, claims, kind_of
from tests.lowkey_core.photos.picture_files import FILES, gradient, refusal, saved

KINDS = {"mpo": "JPEG", "jpeg 2000 stream": "JPEG2000", "jpeg 2000": "JPEG2000", "jpeg xl": "JXL"}


@pytest.mark.parametrize("name", FILES)
def test_content_tells_the_format(name: str) -> None:
    assert kind_of(FILES[name][:128]) == KINDS.get(name, name.split()[0].upper())


@pytest.mark.parametrize(
    ("brands", "kind"),
    [
        (b"heic" + bytes(4) + b"mif1heic", "HEIF"),
        (b"mif1" + bytes(4) + b"mif1heic", "HEIF"),
        (b"mif1" + bytes(4) + b"mif1avif", "AVIF"),
        (b"avif" + bytes(4) + b"mif1", "AVIF"),
        (b"isom" + bytes(4) + b"mp42", None),
    ],
)
def test_brands_tell_avif_from_heif_and_films(brands: bytes, kind: str | None) -> None:
    assert kind_of(struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands) == kind


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.raf", b"FUJIFILMCCD-RAW 0201"),
        ("a.cr3", bytes(4) + b"ftypcrx "),
        ("a.cr2", b"II*\0\x10\0\0\0CR"),
        ("a.orf", b"IIRO\x08\0\0\0"),
        ("a.jpg", b"8BPS\0\1"),
        ("a.nef", FILES["tiff"]),
        ("a.DNG", b"whatever it holds"),
    ],
)
def test_a_raw_file_is_said_to_be_unsupported(name: str, start: bytes) -> None:
    error = refusal(start, name)
    assert error.reason == "unsupported"
    assert "export it" in str(error)


@pytest.mark.parametrize("tags", [{50706: b"\1\4\0\0"}, {254: 1}])
def test_the_preview_of_a_raw_file_is_not_taken_for_the_photo(tags: dict[int, object]) -> None:
    assert refusal(saved(gradient(), "TIFF", tiffinfo=tags)).reason == "unsupported"


def test_a_picture_called_like_a_raw_file_is_a_picture() -> None:
    assert decode_pixels(FILES["png"], "a.nef").shape == (16, 24, 3)


@pytest.mark.parametrize("name", ["a.HEIC", "a.jxl", "a.Nef", "a.svg", "b/a.jpeg"])
def test_names_claim_to_be_pictures(name: str) -> None:
    assert claims(name)
    assert not claims("heic")
    assert not claims(name + ".txt")


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("file_format", ["AVIF", "HEIF"])
def test_photos_of_phones_come_out_upright(file_format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    jpeg = decode_pixels(saved(gradient(64, 48), "PNG", exif=exif))
    pixels = decode_pixels(saved(gradient(64, 48), file_format, exif=exif.tobytes(), quality=95))
    assert pixels.shape == jpeg.shape
    assert abs(pixels.astype(int) - jpeg).mean() < 6


@pytest.mark.parametrize("size", [(8, 8), (64, 64), (24, 16), (640, 480), (4032, 3024), (9, 3000)])
def test_the_size_of_a_jpeg_xl_is_read_before_it_is_decoded(size: tuple[int, int]) -> None:
    content = saved(Image.new("RGB", size, "teal"), "JXL")
    assert jpeg_xl.size_of(content) == size
    box = struct.pack(">I", 8 + len(content)) + b"jxlc" + content
    assert jpeg_xl.size_of(b"\0\0\0\x0cJXL \r\n\x87\n" + box) == size


def test_without_its_decoder_a_format_is_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)  # importing it fails
    error = refusal(FILES["jpeg xl"])
    assert error.reason == "unsupported"
    assert "lowkey-audit[jxl]" in str(error)


def test_the_content_of_a_folder_decides_what_is_a_picture(tmp_path: Path) -> None:
    for i, kind in enumerate(SIGNATURES):
        content = next(c for c in FILES.values() if kind_of(c[:128]) == kind)
        (tmp_path / f"{i}.dat").write_bytes(content)
    (tmp_path / "notes.txt").write_text("BM is no picture")
    held = contents(tmp_path)
    assert len(held.pictures) == len(SIGNATURES)
    assert [path.name for path in held.others] == ["notes.txt"]
    assert len(held.refused) == 0
