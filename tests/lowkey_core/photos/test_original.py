"""What a copy keeps of its photo's file, and what it says that it does not."""

from __future__ import annotations

import io
import re
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from lowkey_core.photos import original
from lowkey_core.photos.decoding import Pixels, decode_pixels, encoded
from lowkey_core.photos.jpeg_quality import quality_of
from tests.lowkey_core.photos.picture_files import FILES, chunk, gradient, grey16, saved
from tests.lowkey_core.photos.test_colour import wide_gamut


def darker(pixels: Pixels, by: int = 3) -> Pixels:
    return (pixels.astype(int) - by).clip(0).astype(np.uint8)


def written(content: bytes, by: int = 3) -> Image.Image:
    """The lossless copy of a photo that was made darker by so many grey levels."""
    photo = original.read(content)
    copy = encoded(photo.changed(darker(photo.pixels, by)), "PNG")
    assert np.abs(decode_pixels(copy).astype(int) - darker(photo.pixels, by)).max() <= 1
    return Image.open(io.BytesIO(copy))


@pytest.mark.parametrize("kind", FILES)
def test_pixels_are_those_of_any_decoding(kind: str) -> None:
    assert np.array_equal(original.read(FILES[kind]).pixels, decode_pixels(FILES[kind]))


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("jpeg", "RGB"), ("jpeg grey", "L"), ("png", "RGB"), ("png 16 bit", "I;16"),
        ("png alpha", "RGBA"), ("png grey alpha", "LA"), ("png palette", "RGBA"),
        ("png 1 bit", "L"), ("tiff 16 bit", "I;16"), ("jpeg cmyk", "RGB"), ("bmp palette", "RGB"),
    ],
)  # fmt: skip
def test_a_copy_has_the_mode_of_its_photo(kind: str, mode: str) -> None:
    assert written(FILES[kind], by=0).mode == mode


def test_16_bit_greys_change_by_whole_levels_and_else_not() -> None:
    before = np.asarray(grey16()).astype(int)
    assert np.array_equal(np.asarray(written(FILES["png 16 bit"], by=0)), before)
    after = np.asarray(written(FILES["png 16 bit"], by=3)).astype(int)
    assert set(np.unique((before - after)[before > 4 * 257])) == {3 * 257}


def test_transparency_stays_and_what_is_shown_changes() -> None:
    alpha = np.tile(np.linspace(60, 255, 24).astype(np.uint8), (16, 1))
    picture = gradient().convert("RGBA")
    picture.putalpha(Image.fromarray(alpha))
    copy = written(saved(picture, "PNG"))
    assert np.array_equal(np.asarray(copy)[..., 3], alpha)


def test_opaque_pixels_keep_their_values_and_invisible_ones_have_none() -> None:
    picture = gradient().convert("RGBA")
    picture.paste((10, 20, 30, 0), (0, 0, 8, 16))
    copy = np.asarray(written(saved(picture, "PNG"), by=0))
    assert np.array_equal(copy[:, 8:, :3], np.asarray(gradient())[:, 8:])
    assert (copy[:, :8] == [255, 255, 255, 0]).all()


def deep_colour() -> bytes:
    """A PNG of 16 bits a colour."""
    rows = b"".join(b"\0" + bytes(range(0, 48)) for _ in range(4))
    header = (8).to_bytes(4) + (4).to_bytes(4) + bytes([16, 2, 0, 0, 0])
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def heif_of_10_bits() -> bytes:
    file = io.BytesIO()
    data = np.zeros((64, 64, 3), np.uint16).tobytes()
    pillow_heif.from_bytes("RGB;16", (64, 64), data).save(file, format="HEIF")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "flat", "said"),
    [
        (FILES["jpeg"], False, ""),
        (FILES["png 16 bit"], False, ""),
        (FILES["png 16 bit"], True, "16 bits a colour became 8"),
        (deep_colour(), False, "16 bits a colour became 8"),
        (heif_of_10_bits(), False, "1[02] bits a colour became 8"),
        (FILES["png alpha"], True, "what was transparent became white"),
        (FILES["png alpha"], False, ""),
        (FILES["mpo"], False, "the first of 2 pictures in the file"),
    ],
)
def test_what_a_copy_does_not_keep_is_said(content: bytes, flat: bool, said: str) -> None:
    assert re.fullmatch(said, "; ".join(original.read(content).lost(flat=flat)))


def test_colours_of_another_profile_are_said_to_be_converted() -> None:
    other = wide_gamut().replace("sRGB".encode("utf-16-be"), "Wide".encode("utf-16-be"))
    photo = original.read(saved(gradient(), "PNG", icc_profile=other))
    assert list(photo.lost(flat=False)) == [f"colours of {photo.profile} became sRGB"]


@pytest.mark.parametrize("kind", ["gif animated", "png animated", "webp animated"])
def test_an_animation_is_known(kind: str) -> None:
    assert original.read(FILES[kind]).animated
    assert not original.read(FILES[kind.split()[0]]).animated
    assert not original.read(FILES["mpo"]).animated


@pytest.mark.parametrize("quality", [5, 30, 49, 50, 75, 90, 95, 100])
def test_the_quality_of_a_jpeg_is_read_off_its_tables(quality: int) -> None:
    assert original.read(saved(gradient(), "JPEG", quality=quality)).quality == quality


def test_a_table_of_no_quality_has_the_nearest() -> None:
    assert quality_of([1] * 64) == 100
    assert quality_of([255] * 64) < 10
    assert original.read(FILES["png"]).quality is None
