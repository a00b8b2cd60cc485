"""Metadata of a photo is in no file that we write."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from tests.lowkey_core.photos.picture_files import ICC, chunk, gradient, saved

MARKER = b"Elm Street 13"


def marked() -> dict[str, bytes]:
    """A file of each format with the marker in all its places for metadata."""
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
def test_no_metadata_is_written(kind: str) -> None:
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
    """Markers before the pixel data; APP0 must be JFIF without a thumbnail."""
    found, at = set[int](), 2
    while 0xDA not in found:
        found.add(jpeg[at + 1])
        if jpeg[at + 1] == 0xE0:
            assert jpeg[at + 4 : at + 9] == b"JFIF\0"
            assert jpeg[at + 16 : at + 18] == b"\0\0"
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    assert jpeg.endswith(b"\xff\xd9")
    return found
