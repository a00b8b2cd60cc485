"""Conversion of decoded pictures of any mode and orientation to upright 8-bit sRGB."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageCms

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that makes a picture of each EXIF orientation upright; 1 is upright."""
_SRGB = ImageCms.createProfile("sRGB")
_SPACES = {"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK"}
"""ICC colour spaces and the modes they describe."""


def upright_rgb(picture: Image.Image) -> Image.Image:
    """The same picture in mode RGB, 8 bits, upright, sRGB, opaque.

    - The EXIF orientation is applied. One that cannot be read counts as upright.
    - Colours are converted from an embedded ICC profile (perceptual intent). A damaged profile, or
      one of another colour space than the pixels, is ignored. CMYK without a profile is 1 - ink.
    - 16-bit greys are scaled to 8 bits, not clipped.
    - Transparency is composited over white.

    picture: any mode except the 32-bit greys I and F, whose range is unknown.
    Raises: whatever Pillow raises on damaged files.
    """
    picture.load()
    tags = getattr(picture, "tag_v2", {})
    profile = picture.info.get("icc_profile")
    picture = _turned(picture)
    if picture.mode.startswith("I;16"):
        return _converted(_scaled(picture, tags), profile)
    alpha = None
    if picture.has_transparency_data:
        if picture.mode != "LA":
            picture = picture.convert("RGBA")
        *colours, alpha = picture.split()
        picture = Image.merge("RGB", colours) if len(colours) == 3 else colours[0]
    if picture.mode == "P":  # the profile is that of the palette's colours
        picture = picture.convert("RGB")
    picture = _converted(picture, profile)
    if alpha is None:
        return picture
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=alpha)
    return white


def _turned(picture: Image.Image) -> Image.Image:
    try:
        turn = _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata, whole pixels: viewers show those
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _scaled(picture: Image.Image, tags: Mapping[int, Any]) -> Image.Image:
    """16-bit greys to 8 bits: round(v * 255 / largest). tags: those of a TIFF, else empty."""
    largest = 2 ** int(tags.get(_BITS, (16,))[0]) - 1
    values = np.asarray(picture).astype(np.uint32)
    grey = ((values * 255 + largest // 2) // largest).clip(max=255).astype(np.uint8)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow applies it up to 8 bits only
        grey = 255 - grey
    return Image.fromarray(grey)


_BITS, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0


def _converted(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """To sRGB, from `profile` if it is readable and of the picture's colour space."""
    if not profile:
        return _rgb(picture)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _SPACES[source.profile.xcolor_space]
        if mode != picture.mode and (picture.mode, mode) != ("L", "RGB"):
            raise ValueError
        fitting = picture if picture.mode == mode else picture.convert(mode)
        converted = ImageCms.profileToProfile(fitting, source, _SRGB, outputMode="RGB")
    except MemoryError:
        raise
    except Exception:  # wrong colours are better than no picture
        converted = None
    return converted or _rgb(picture)


def _rgb(picture: Image.Image) -> Image.Image:
    return picture if picture.mode == "RGB" else picture.convert("RGB")  # convert always copies
