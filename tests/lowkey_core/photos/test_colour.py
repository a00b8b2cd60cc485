"""Colours, bit depth, transparency and orientation of files are converted to upright RGB."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from lowkey_core.errors import UnreadableImageError
from lowkey_core.photos.decoding import Pixels, decode_pixels
from tests.lowkey_core.photos.picture_files import FILES, ICC, gradient, grey16, saved

TRUTH = np.asarray(gradient())


def far(one: Pixels, other: Pixels) -> float:
    """Mean absolute difference in grey levels."""
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize(
    ("kind", "most"),
    {
        "jpeg": 4.0, "jpeg progressive": 4.0, "jpeg cmyk": 4.0, "mpo": 4.0,
        "png": 0.5, "png animated": 0.0, "webp": 8.0, "webp animated": 8.0,
        "bmp": 0.0, "bmp palette": 16.0,
        "tiff": 0.5, "tiff deflate": 0.0, "tiff lzw": 0.0, "tiff jpeg": 8.0, "tiff cmyk": 0.0,
        "avif": 8.0, "heif": 8.0, "jpeg 2000": 0.0, "jpeg 2000 stream": 0.0, "jpeg xl": 0.0,
        "tiff big": 0.0, "gif": 12.0, "gif animated": 12.0,
    }.items(),
)  # fmt: skip
def test_every_format_shows_the_first_picture(kind: str, most: float) -> None:
    pixels = decode_pixels(FILES[kind])
    assert (pixels.shape, pixels.dtype) == ((16, 24, 3), np.uint8)
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable
    assert far(pixels, TRUTH) <= most


@pytest.mark.parametrize("kind", ["png 16 bit", "tiff 16 bit", "tiff 16 bit packed"])
def test_16_bit_greys_are_scaled_not_clipped(kind: str) -> None:
    oracle = np.round(np.asarray(grey16()) / 65535.0 * 255).astype(np.uint8)
    assert np.array_equal(decode_pixels(FILES[kind]), np.stack([oracle] * 3, 2))


def raw_tiff(photometric: int, bits: int, sample_format: int, data: bytes) -> bytes:
    """One row of grey samples, little-endian."""
    width = len(data) * 8 // bits
    entries = [(256, width), (257, 1), (258, bits), (259, 1), (262, photometric), (273, 0)]
    entries += [(277, 1), (278, 1), (279, len(data)), (339, sample_format)]
    start = 8 + 2 + 12 * len(entries) + 4
    packed = [struct.pack("<HHII", t, 4, 1, start if t == 273 else v) for t, v in entries]
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + b"".join(packed) + bytes(4) + data


def test_a_16_bit_tiff_may_have_white_as_zero() -> None:
    data = np.array([0, 65535], "<u2").tobytes()
    assert decode_pixels(raw_tiff(1, 16, 1, data))[0, :, 0].tolist() == [0, 255]
    assert decode_pixels(raw_tiff(0, 16, 1, data))[0, :, 0].tolist() == [255, 0]


def test_12_bit_greys_are_scaled_from_12_bits() -> None:
    assert decode_pixels(raw_tiff(1, 12, 1, b"\xff\xf0\x00"))[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize(("bits", "sample_format"), [(32, 3), (32, 2), (16, 2)])
def test_greys_without_a_range_are_refused(bits: int, sample_format: int) -> None:
    with pytest.raises(UnreadableImageError, match="32-bit greys") as refused:
        decode_pixels(raw_tiff(1, bits, sample_format, bytes(8)))
    assert refused.value.reason == "not a picture"


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_transparency_is_over_white(file_format: str) -> None:
    picture = Image.new("RGBA", (8, 4), (200, 0, 0, 0))
    picture.paste((200, 0, 0, 102), (4, 0, 8, 4))  # alpha 0.4
    options = {"lossless": True, "exact": True} if file_format == "WEBP" else {}
    pixels = decode_pixels(saved(picture, file_format, **options))
    assert (pixels[:, :4] == 255).all()
    assert (np.abs(pixels[:, 4:].astype(int) - [233, 153, 153]) <= 1).all()


def test_a_transparent_palette_colour_is_white() -> None:
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 10, 20, 30])
    picture.putpixel((0, 0), 0)
    for file_format in ("PNG", "GIF"):
        pixels = decode_pixels(saved(picture, file_format, transparency=0))
        assert pixels[0, 0].tolist() == [255, 255, 255]
        assert pixels[3, 3].tolist() == [10, 20, 30]


def wide_gamut() -> bytes:
    """An sRGB profile with the columns of red and blue swapped."""
    return ICC.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


@pytest.mark.parametrize(
    ("file_format", "mode"),
    [(f, "RGB") for f in ("JPEG", "PNG", "WEBP", "TIFF")] + [("PNG", "P"), ("TIFF", "P")],
)
def test_an_embedded_profile_is_applied(file_format: str, mode: str) -> None:
    options = {"lossless": True} if file_format == "WEBP" else {}
    red = Image.new("RGB", (16, 16), (255, 0, 0)).convert(mode)
    plain = decode_pixels(saved(red, file_format, **options))
    managed = decode_pixels(saved(red, file_format, icc_profile=wide_gamut(), **options))
    assert (plain[0, 0] > [250, -1, -1]).all()
    assert managed[0, 0, 2] > 250
    assert managed[0, 0, 0] < 5


def test_colours_agree_with_lcms() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    profile = ImageCms.ImageCmsProfile(io.BytesIO(wide_gamut()))
    oracle = ImageCms.profileToProfile(gradient(), profile, lab)
    pixels = decode_pixels(saved(gradient(), "PNG", icc_profile=wide_gamut()))
    assert far(pixels, np.asarray(oracle)) <= 1


@pytest.mark.parametrize("profile", [b"broken", ICC[:200], ICC.replace(b"RGB ", b"CMYK")])
def test_a_profile_that_does_not_fit_is_ignored(profile: bytes) -> None:
    assert far(decode_pixels(saved(gradient(), "PNG", icc_profile=profile)), TRUTH) == 0


def test_grey_with_an_srgb_profile_stays_grey() -> None:
    grey = gradient().convert("L")
    pixels = decode_pixels(saved(grey, "PNG", icc_profile=ICC))
    assert far(pixels, np.asarray(grey.convert("RGB"))) <= 1


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_comes_out_upright(file_format: str, orientation: int) -> None:
    """Against numpy, by the definition of each value (EXIF 2.3, 4.6.4)."""
    upright = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: p.swapaxes(0, 1)[:, ::-1],
        7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
        8: lambda p: p.swapaxes(0, 1)[::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if file_format == "WEBP" else {}
    pixels = decode_pixels(saved(gradient(), file_format, exif=exif, **options))
    assert pixels.shape == upright(TRUTH).shape
    assert far(pixels, upright(TRUTH)) <= (4 if file_format == "JPEG" else 0)


def test_16_bit_greys_come_out_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for file_format in ("PNG", "TIFF"):
        plain = decode_pixels(saved(grey16(), file_format))
        turned = decode_pixels(saved(grey16(), file_format, exif=exif))
        assert np.array_equal(turned, plain.swapaxes(0, 1)[:, ::-1])


@pytest.mark.parametrize("exif", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0garbage"])
def test_an_unreadable_orientation_is_ignored(exif: bytes) -> None:
    assert far(decode_pixels(saved(gradient(), "PNG", exif=exif)), TRUTH) == 0
