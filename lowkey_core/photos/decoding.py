"""Decoding of untrusted picture files to 8-bit pixels, and encoding. Does not import torch."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import logging
import re
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError, _imaging

from lowkey_core.errors import Reason, UnreadableImageError
from lowkey_core.photos import jpeg_xl
from lowkey_core.photos.colour import pixels_of, upright_rgb
from lowkey_core.photos.formats import HEAD, SIGNATURES, kind_of, unsupported

Pixels = npt.NDArray[np.uint8]
"""(h, w, 3) uint8, RGB."""

_PLUGINS = {
    "TIFF": "PIL.TiffImagePlugin",
    "WEBP": "PIL.WebPImagePlugin",
    "AVIF": "PIL.AvifImagePlugin",
    "JPEG2000": "PIL.Jpeg2KImagePlugin",
    "HEIF": "pillow_heif.HeifImagePlugin",
    "JXL": "pillow_jxl",
}
"""Imported when they are needed; otherwise Image.open imports all 40 of Pillow's."""

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

    content: a file in one of `formats.SIGNATURES`, whatever its name; of several pictures the
    first is decoded. name: for error messages, and to know a raw file from a TIFF.
    Raises: UnreadableImageError only. Damaged data behind a valid JPEG header may decode to wrong
    pixels without an error, as in any viewer.
    """
    with opened(content, name) as file:
        return pixels_of(upright_rgb(file))


@contextlib.contextmanager
def opened(content: bytes, name: object = "picture") -> Iterator[Image.Image]:
    """A picture file whose header was checked. Whatever its decoder raises inside becomes an
    UnreadableImageError."""
    kind = _kind(content, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _prepare(kind, content, name)
            with Image.open(io.BytesIO(content), formats=(kind,)) as file:
                _check_header(file, content, name)
                yield file
    except UnreadableImageError:
        raise
    except (MemoryError, Image.DecompressionBombError) as error:
        _refuse(name, f"{error or 'out of memory'}", "too large", *_SMALLER)
    except Exception as error:  # decoders raise anything on malformed files
        if "data too large" in str(error):  # compressed text or profiles in a PNG
            _refuse(name, str(error), "too large", *_SMALLER)
        unknown = isinstance(error, UnidentifiedImageError)  # whose text holds an address in memory
        what = "a damaged header" if unknown else f"{type(error).__name__}: {error}"
        _refuse(name, what, "damaged", *_WHOLE)


def _kind(content: bytes, name: object) -> str:
    """The format of a file. Raises: UnreadableImageError."""
    if len(content) > MAX_BYTES:
        _too_large(name, f"{len(content) / 1e6:.0f} MB", f"{MAX_BYTES / 1e6:g} MB")
    if what := unsupported(content[:HEAD], str(name)):
        _refuse(name, what, "unsupported", *_EXPORTED)
    kind = kind_of(content[:HEAD])
    if kind is None:
        what = "no picture format we know" if content else "an empty file"
        _refuse(name, what, "not a picture", *_WHOLE)
    return kind


def _prepare(kind: str, content: bytes, name: object) -> None:
    """Imports the decoder of a format, and checks what must be known before it starts."""
    if kind == "JXL":
        _check_size(name, *jpeg_xl.size_of(content))
    if kind not in _PLUGINS:
        return
    try:
        importlib.import_module(_PLUGINS[kind])
    except ImportError:
        extra = f"pip install 'lowkey-audit[{kind.lower()}]', or {_EXPORTED[1]}"
        _refuse(name, f"{kind}, without its decoder", "unsupported", _EXPORTED[0], extra)


def encode_pixels(pixels: Pixels, file_format: str, **options: Any) -> bytes:
    """Encode (h, w, 3) uint8 as a file without metadata and profile. options: those of Pillow."""
    return encoded(Image.fromarray(pixels), file_format, **options)


def encoded(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    """Encode a picture that was made from pixels, so that it carries no metadata."""
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def _check_header(file: Image.Image, content: bytes, name: object) -> None:
    """Refuse what would make decoding slow or large, as far as the header declares it."""
    if file.mode in ("I", "F"):
        what = "32-bit greys have no range to scale to 8 bits"
        _refuse(name, what, "not a picture", "8 or 16 bits a colour", _WHOLE[1])
    _check_size(name, *file.size)
    tags = getattr(file, "tag_v2", {})
    if _DNG in tags or tags.get(_PHOTOMETRIC) in _SENSOR or tags.get(_SUBFILE, 0) & _SMALLER_COPY:
        _refuse(name, "a camera's raw file, or a preview of one", "unsupported", *_EXPORTED)
    tile = tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_LENGTH, 0)
    if tile > MAX_PIXELS:  # libtiff decodes whole tiles, even of small pictures
        _too_large(name, f"in tiles of {tile} pixels", f"{MAX_PIXELS / 1e6:g} megapixels")
    if file.format == "JPEG2000" and _END not in content:  # its decoder would fill the rest
        _refuse(name, "it ends too early", "damaged", *_WHOLE)
    if file.format in ("JPEG", "MPO") and (scans := _scans(content)) > MAX_SCANS:
        _too_large(name, f"a JPEG of {scans} scans", f"{MAX_SCANS} scans")


def _check_size(name: object, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        _too_large(name, f"{width}x{height}", f"{MAX_PIXELS / 1e6:g} megapixels")
    if max(width, height) > MAX_SIDE:
        _too_large(name, f"{width}x{height}", f"{MAX_SIDE} pixels a side")


_TILE_WIDTH, _TILE_LENGTH = 322, 323
_DNG, _PHOTOMETRIC, _SUBFILE, _SMALLER_COPY = 50706, 262, 254, 1
_SENSOR = (32803, 34892)
"""Photometric interpretations of a sensor's values: colour filter array, linear raw."""
_END = b"\xff\xd9"
"""Marker that ends a JPEG 2000 codestream, and occurs nowhere else in it."""
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd8-\xfe])")  # without the markers that have no length


def _scans(content: bytes) -> int:
    """Number of scans of a JPEG's first picture, without thumbnails (ITU T.81, B.1.1), in linear
    time: of the bytes 0xff before a marker only the last belongs to the pattern."""
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
_EXPORTED = (_WHOLE[0], "export it from the program that shows it as JPEG or PNG")
_SMALLER = (f"at most {MAX_PIXELS / 1e6:g} megapixels", "resize it, or export it again")


def _too_large(name: object, got: str, most: str) -> NoReturn:
    raise UnreadableImageError(
        f"{name} is {got}", expected=f"at most {most}", remedy="resize it", reason="too large"
    )


def _refuse(name: object, why: str, reason: Reason, expected: str, remedy: str) -> NoReturn:
    raise UnreadableImageError(
        f"{name} cannot be read ({why})", expected=expected, remedy=remedy, reason=reason
    )
