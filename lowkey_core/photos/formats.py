"""Formats of picture files, told by their first bytes and by their names. Nothing is decoded."""

from __future__ import annotations

import re
from pathlib import PurePath

HEAD = 128
"""First bytes of a file from which its format is told."""

SIGNATURES = {
    "JPEG": rb"\xff\xd8\xff",  # also MPO, which phones write; its first picture is read
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "WEBP": rb"RIFF....WEBP",
    "BMP": rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "GIF": rb"GIF8[79]a",
    "AVIF": rb"....ftyp(avi[fs]|(mif1|miaf|msf1).{4}(.{4}){0,15}?avi[fs])",
    "HEIF": rb"....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)",
    "JPEG2000": rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
    "JXL": rb"\0\0\0\x0cJXL \r\n\x87\n|\xff\x0a",
}
"""The accepted formats by their first bytes, as Pillow calls them. No other decoder is used."""
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".dib"}
    | {".tif", ".tiff", ".gif", ".avif", ".avifs", ".heic", ".heif", ".hif", ".jxl"}
    | {".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c"}
)
"""Suffixes of files in the accepted formats. The format of a file is that of its content."""

_RAW, _LAYERS, _DRAWING = "a camera's raw file", "a file of layers", "a drawing, not pixels"
_OTHERS = {
    _RAW: rb"FUJIFILMCCD-RAW|II(R[OS]|U\0)|MMOR|....ftypcrx |FOVb|\0MRM|II\*\0.{4}CR",
    _LAYERS: rb"8BPS|gimp xcf",
}
_OTHER_SUFFIXES = {
    **dict.fromkeys((".dng", ".nef", ".nrw", ".cr2", ".cr3", ".arw", ".sr2", ".raf"), _RAW),
    **dict.fromkeys((".orf", ".rw2", ".pef", ".srw", ".x3f", ".mrw", ".raw", ".3fr"), _RAW),
    **dict.fromkeys((".psd", ".psb", ".xcf"), _LAYERS),
    ".svg": _DRAWING,
}
CLAIMS = SUFFIXES | _OTHER_SUFFIXES.keys()
"""Suffixes of files that claim to be pictures."""


def kind_of(start: bytes) -> str | None:
    """The accepted format of a file that starts so; None of any other."""
    return next((k for k, s in SIGNATURES.items() if re.match(s, start, re.DOTALL)), None)


def unsupported(start: bytes, name: str) -> str:
    """What a file is that is a picture, but in no accepted format; "" of any other file.

    Most raw files are TIFF files whose first picture is a small preview: their names tell.
    """
    what = next((w for w, s in _OTHERS.items() if re.match(s, start, re.DOTALL)), "")
    if what or kind_of(start) not in (None, "TIFF"):
        return what
    return _OTHER_SUFFIXES.get(PurePath(name).suffix.lower(), "")


def claims(name: str) -> bool:
    """Whether a file is called like a picture."""
    return PurePath(name).suffix.lower() in CLAIMS
