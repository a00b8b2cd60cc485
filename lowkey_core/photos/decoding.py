"""Decoding of untrusted picture files to 8-bit pixels, and encoding. Does not import torch."""

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
    "JPEG": rb"\xff\xd8\xff",  # also MPO, which phones write; its first picture is read
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "WEBP": rb"RIFF....WEBP",
    "BMP": rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "GIF": rb"GIF8[79]a",
}
"""The accepted formats by their first bytes. No other decoder is used."""
_PLUGINS = (TiffImagePlugin, WebPImagePlugin)  # otherwise Image.open imports all 40 plugins
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".dib"}
    | {".tif", ".tiff", ".gif"}
)
"""Suffixes of the files that are searched for in folders. Their format is that of the content."""

MAX_BYTES = 100_000_000
"""Larger files are refused before they are read."""
MAX_PIXELS = 64_000_000
"""Larger pictures are refused before they are decoded, which takes up to 20 bytes a pixel."""
MAX_SIDE = 30_000
"""Largest width and height in pixels, also checked before decoding."""
MAX_SCANS = 100
"""Most scans of a progressive JPEG: each takes 20 bytes and a pass over every pixel."""

with contextlib.suppress(OSError, AttributeError):  # Pillow may link libtiff in another way
    ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)  # libtiff writes to stderr by default
logging.getLogger("PIL").addHandler(logging.NullHandler())  # errors are raised as well


def read_file(path: Path, offset: int = 0, size: int = -1) -> bytes:
    """The content of a regular file, or `size` bytes of it from `offset`; at most MAX_BYTES.

    Links are followed. Raises: UnreadableImageError.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a FIFO waits for a writer
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
    """The pixels of a picture file, upright, in sRGB, transparency over white; see `upright_rgb`.

    content: a JPEG, PNG, WebP, BMP, TIFF or GIF file, whatever its name; of several pictures the
    first is decoded. name: for error messages.
    Raises: UnreadableImageError only. Damaged data behind a valid JPEG header may decode to wrong
    pixels without an error, as in any viewer.
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
    except Exception as error:  # decoders raise anything on malformed files
        if "data too large" in str(error):  # compressed text or profiles in a PNG
            _refuse(name, str(error), "too large", *_SMALLER)
        _refuse(name, f"{type(error).__name__}: {error}", "damaged", *_WHOLE)


def encode_pixels(pixels: Pixels, file_format: str, **options: Any) -> bytes:
    """Encode (h, w, 3) uint8 as a file without metadata and profile. options: those of Pillow."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, file_format, **options)
    return file.getvalue()


def _check_header(file: Image.Image, content: bytes, name: object) -> None:
    """Refuse what would make decoding slow or large, as far as the header declares it."""
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
    if tile > MAX_PIXELS:  # libtiff decodes whole tiles, even of small pictures
        _too_large(name, f"in tiles of {tile} pixels", f"{MAX_PIXELS / 1e6:g} megapixels")
    if file.format in ("JPEG", "MPO") and (scans := _scans(content)) > MAX_SCANS:
        _too_large(name, f"a JPEG of {scans} scans", f"{MAX_SCANS} scans")


_TILE_WIDTH, _TILE_LENGTH = 322, 323
_MARKER = re.compile(rb"\xff+([\x02-\xcf\xd8-\xfe])")  # without the markers that have no length


def _scans(content: bytes) -> int:
    """Number of scans of a JPEG's first picture, without thumbnails (ITU T.81, B.1.1)."""
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
