"""Untrusted picture files in, 8-bit pixels out; pixels in, clean files out. Never imports torch."""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
import re
import stat
import warnings
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from PIL import Image, TiffImagePlugin, WebPImagePlugin, _imaging

from lowkey_core.errors import Reason, UnreadableImageError
from lowkey_core.photos.colour import upright_rgb

Pixels = npt.NDArray[np.uint8]
"""(h, w, 3) uint8, RGB."""

SIGNATURES = {
    "JPEG": rb"\xff\xd8\xff",  # and MPO, which phones write: its first picture
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "WEBP": rb"RIFF....WEBP",
    "BMP": rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "GIF": rb"GIF8[79]a",
}
"""What is opened, by its first bytes; every other decoder stays shut."""
_PLUGINS = (TiffImagePlugin, WebPImagePlugin)  # else Image.open imports all 40 to find these two
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".dib"}
    | {".tif", ".tiff", ".gif"}
)
"""What a file is called to be looked for in a folder. Once opened, its content decides."""

MAX_BYTES = 100_000_000
"""A larger file is refused before it is read."""
MAX_PIXELS = 64_000_000
"""A larger picture is refused before it is decoded: decoding takes up to 20 bytes a pixel."""
MAX_SIDE = 30_000
"""Likewise a wider or higher one."""
MAX_SCANS = 100
"""Likewise a progressive JPEG of more scans: 20 bytes can ask for a pass over every pixel."""

with contextlib.suppress(OSError, AttributeError):  # a Pillow that links libtiff otherwise
    ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)  # it writes to stderr by itself
logging.getLogger("PIL").addHandler(logging.NullHandler())  # errors are raised as well


def read_file(path: Path, offset: int = 0, size: int = -1) -> bytes:
    """A whole regular file, or `size` bytes of one from `offset`: at most MAX_BYTES.

    Links are followed. Raises: UnreadableImageError.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a fifo would wait for its writer
            _refuse(path, "not a regular file", "unreadable", *_READABLE)
        wanted = status.st_size - offset if size < 0 else size
        if wanted > MAX_BYTES:
            _too_large(path, f"{wanted / 1e6:.0f} MB", f"{MAX_BYTES / 1e6:g} MB")
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(MAX_BYTES if size < 0 else size)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        _refuse(path, getattr(error, "strerror", None) or str(error), "unreadable", *_READABLE)


def decode_pixels(content: bytes, name: object = "picture") -> Pixels:
    """A picture file's pixels: upright (EXIF orientation applied), sRGB, over white.

    content: a JPEG, PNG, WebP, BMP, TIFF or GIF file, whatever it is called; of several pictures
    the first. `upright_rgb` says what becomes of colours, depth and transparency.
    Raises: UnreadableImageError, and nothing else. A JPEG whose header is whole but whose data
    was overwritten may come out as the pixels any viewer shows.
    """
    if len(content) > MAX_BYTES:
        _too_large(name, f"{len(content) / 1e6:.0f} MB", f"{MAX_BYTES / 1e6:g} MB")
    kind = next((k for k, s in SIGNATURES.items() if re.match(s, content, re.DOTALL)), None)
    if kind is None:
        what = "no picture format we know" if content else "an empty file"
        _refuse(name, what, "not a picture", *_WHOLE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=(kind,)) as file:
                _check_header(file, content, name)
                return np.array(upright_rgb(file), dtype=np.uint8)
    except UnreadableImageError:
        raise
    except (MemoryError, Image.DecompressionBombError) as error:
        _refuse(name, f"{error or 'out of memory'}", "too large", *_SMALLER)
    except Exception as error:  # decoders fed garbage may raise anything
        if "data too large" in str(error):  # packed text or profiles of a PNG
            _refuse(name, str(error), "too large", *_SMALLER)
        _refuse(name, f"{type(error).__name__}: {error}", "damaged", *_WHOLE)


def encode_pixels(pixels: Pixels, file_format: str, **options: Any) -> bytes:
    """(h, w, 3) uint8 as a file that holds pixels and nothing else: no metadata, no profile."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, file_format, **options)
    return file.getvalue()


def _check_header(file: Image.Image, content: bytes, name: object) -> None:
    """Everything that a small file can declare in order to make decoding long or large."""
    if file.mode in ("I", "F"):
        what = "32-bit greys have no range to scale to 8 bits"
        _refuse(name, what, "not a picture", "8 or 16 bits a colour", _WHOLE[1])
    width, height = file.size
    if width * height > MAX_PIXELS:
        _too_large(name, f"{width}x{height}", f"{MAX_PIXELS / 1e6:g} megapixels")
    if max(width, height) > MAX_SIDE:
        _too_large(name, f"{width}x{height}", f"{MAX_SIDE} pixels a side")
    tags = getattr(file, "tag_v2", {})
    tile = tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_LENGTH, 0)
    if tile > MAX_PIXELS:  # libtiff unpacks a whole tile, however small the picture
        _too_large(name, f"in tiles of {tile} pixels", f"{MAX_PIXELS / 1e6:g} megapixels")
    if file.format in ("JPEG", "MPO") and (scans := _scans(content)) > MAX_SCANS:
        _too_large(name, f"a JPEG of {scans} scans", f"{MAX_SCANS} scans")


_TILE_WIDTH, _TILE_LENGTH = 322, 323
_MARKER = re.compile(rb"\xff+([\x02-\xcf\xd8-\xfe])")  # those without a length left out


def _scans(content: bytes) -> int:
    """Scans of a JPEG's first picture, thumbnails not counted (ITU T.81, B.1.1)."""
    scans, position = 0, 2
    while (marker := _MARKER.search(content, position)) and marker[1] != b"\xd9":
        scans += marker[1] == b"\xda"
        position = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2])
    return scans


_READABLE = ("a picture file you may read", "check its path and permissions")
_WHOLE = (
    f"a whole {', '.join(SIGNATURES)} file",
    "open it in a viewer and export it again",
)
_SMALLER = (f"at most {MAX_PIXELS / 1e6:g} megapixels", "resize it, or export it again")


def _too_large(name: object, got: str, most: str) -> NoReturn:
    raise UnreadableImageError(
        f"{name} is {got}", expected=f"at most {most}", remedy="resize it", reason="too large"
    )


def _refuse(name: object, why: str, reason: Reason, expected: str, remedy: str) -> NoReturn:
    raise UnreadableImageError(
        f"{name} cannot be read ({why})", expected=expected, remedy=remedy, reason=reason
    )
