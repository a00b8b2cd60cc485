"""Decoding: accepted formats, limits, errors; reading files; encoding."""

from __future__ import annotations

import importlib
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lowkey_core.errors import UnreadableImageError
from lowkey_core.photos import decoding
from lowkey_core.photos.decoding import _PLUGINS, decode_pixels, encode_pixels, read_file
from lowkey_core.photos.formats import SIGNATURES, SUFFIXES
from tests.lowkey_core.photos.picture_files import FILES, gradient, refusal, saved


@pytest.mark.parametrize("content", [b"", b"BMW drives", b"%PDF-1.7", b"II", b"GIF8", b"\x89PNG"])
def test_a_file_that_is_no_picture_is_refused(content: bytes) -> None:
    error = refusal(content)
    assert error.reason == "not a picture"
    assert str(error).startswith("holiday.jpg cannot be read")


@pytest.mark.parametrize("kind", FILES)
def test_half_a_file_is_damaged(kind: str) -> None:
    assert refusal(FILES[kind][: len(FILES[kind]) // 2]).reason == "damaged"


def test_other_decoders_are_not_used() -> None:
    for file_format in ("PPM", "TGA", "ICO", "SGI", "PDF", "EPS"):
        assert refusal(saved(gradient(), file_format)).reason == "not a picture"


def test_every_suffix_belongs_to_an_accepted_format() -> None:
    Image.init()
    for name in ("HEIF", "JXL"):
        importlib.import_module(_PLUGINS[name])
    assert {Image.EXTENSION[suffix] for suffix in SUFFIXES} <= {*SIGNATURES, "MPO", "DIB"}


def test_control_characters_of_a_name_are_escaped() -> None:
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
def test_each_limit_is_checked(
    monkeypatch: pytest.MonkeyPatch, cap: str, value: int, said: str
) -> None:
    monkeypatch.setattr(decoding, cap, value + 1)
    decode_pixels(FILES["jpeg"])
    monkeypatch.setattr(decoding, cap, value)
    error = refusal(FILES["jpeg"])
    assert (error.reason, said in str(error)) == ("too large", True)


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
def test_any_exception_of_a_decoder_becomes_one_error(
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


def test_a_path_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")  # opening it would wait for a writer
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").touch()
    wrong = ["fifo", "loop", "absent", ".", "file/below", "n" * 300, "nul\0", "\udcff"]
    for path in [*(tmp_path / name for name in wrong), Path("/dev/null"), Path("/dev/zero")]:
        with pytest.raises(UnreadableImageError, match="cannot be read") as refused:
            read_file(path)
        assert refused.value.reason == "unreadable"


def test_a_file_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").touch(0)
    if os.access(tmp_path / "a.jpg", os.R_OK):  # root may read every file

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
