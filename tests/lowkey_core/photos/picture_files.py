"""Small files of one picture in every accepted format and mode."""

from __future__ import annotations

import importlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from lowkey_core.errors import UnreadableImageError
from lowkey_core.photos.decoding import _PLUGINS, decode_pixels

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def files(root: Path, *names: str) -> Path:
    """`root`, with empty files of these names below it."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def gradient(width: int = 24, height: int = 16) -> Image.Image:
    """A smooth picture with many colours and four different corners."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    pixels = np.stack([x, y, (x + 1 - y) / 2], 2) * 215 + 20
    return Image.fromarray(pixels.round().astype(np.uint8))


def saved(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def grey16() -> Image.Image:
    """16-bit greys from 0 to 65535."""
    return Image.fromarray(np.linspace(0, 65535, 24 * 16).round().astype(np.uint16).reshape(16, 24))


for _plugin in ("HEIF", "JXL"):
    importlib.import_module(_PLUGINS[_plugin])
_RGB = gradient()
_RGBA = _RGB.copy()
_RGBA.putalpha(200)

FILES: dict[str, bytes] = {
    "jpeg": saved(_RGB, "JPEG"),
    "jpeg progressive": saved(_RGB, "JPEG", progressive=True, icc_profile=ICC),
    "jpeg grey": saved(_RGB.convert("L"), "JPEG"),
    "jpeg cmyk": saved(_RGB.convert("CMYK"), "JPEG"),
    "mpo": saved(_RGB, "MPO", save_all=True, append_images=[_RGB.rotate(180)]),
    "png": saved(_RGB, "PNG", icc_profile=ICC),
    "png 16 bit": saved(grey16(), "PNG"),
    "png alpha": saved(_RGBA, "PNG"),
    "png grey alpha": saved(_RGBA.convert("LA"), "PNG"),
    "png palette": saved(_RGB.convert("P"), "PNG", transparency=3),
    "png 1 bit": saved(_RGB.convert("1"), "PNG"),
    "png animated": saved(_RGB, "PNG", save_all=True, append_images=[_RGB.rotate(180)]),
    "webp": saved(_RGB, "WEBP", icc_profile=ICC),
    "webp lossless": saved(_RGBA, "WEBP", lossless=True),
    "webp animated": saved(_RGB, "WEBP", save_all=True, append_images=[_RGB.rotate(180)]),
    "bmp": saved(_RGB, "BMP"),
    "bmp palette": saved(_RGB.convert("P"), "BMP"),
    "tiff": saved(_RGB, "TIFF", icc_profile=ICC),
    "tiff deflate": saved(_RGB, "TIFF", compression="tiff_adobe_deflate"),
    "tiff lzw": saved(_RGB, "TIFF", compression="tiff_lzw"),
    "tiff jpeg": saved(_RGB, "TIFF", compression="jpeg"),
    "tiff fax": saved(_RGB.convert("1"), "TIFF", compression="group4"),
    "tiff cmyk": saved(_RGB.convert("CMYK"), "TIFF"),
    "tiff 16 bit": saved(grey16(), "TIFF"),
    "tiff 16 bit packed": saved(grey16(), "TIFF", compression="packbits"),
    "tiff big": saved(_RGB, "TIFF", big_tiff=True),
    "gif": saved(_RGB, "GIF"),
    "avif": saved(_RGB, "AVIF", quality=90, subsampling="4:4:4"),
    "heif": saved(_RGB, "HEIF", quality=90, chroma=444),
    "jpeg 2000": saved(_RGB, "JPEG2000"),
    "jpeg 2000 stream": saved(_RGB, "JPEG2000", no_jp2=True),
    "jpeg xl": saved(_RGB, "JXL", lossless=True),
    "gif animated": saved(_RGB, "GIF", save_all=True, append_images=[_RGB.rotate(180)]),
}
"""The files by format and mode."""


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def refusal(content: bytes, name: str = "holiday.jpg") -> UnreadableImageError:
    """The one-line error with which `content` is refused."""
    with pytest.raises(UnreadableImageError) as refused:
        decode_pixels(content, name)
    assert "\n" not in str(refused.value)
    return refused.value
