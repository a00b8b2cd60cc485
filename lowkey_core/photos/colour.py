"""Conversion of decoded pictures of any mode and orientation to upright 8-bit sRGB."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
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


@dataclass(frozen=True)
class Layers:
    """An upright picture, taken apart."""

    colours: Image.Image
    """Mode RGB, sRGB, without regard to transparency."""
    alpha: Image.Image | None
    """Mode L: 0 is transparent. None: the picture is opaque."""
    grey: bool
    """Whether the file holds greys only."""
    deep: npt.NDArray[np.uint16] | None
    """(h, w): greys of more than 8 bits, 0 to 65535; None of other files, and of greys with a
    colour profile, which is applied in 8 bits."""

    def over_white(self) -> Image.Image:
        """As it is shown, in mode RGB."""
        if self.alpha is None:
            return self.colours
        white = Image.new("RGB", self.colours.size, "white")
        white.paste(self.colours, mask=self.alpha)
        return white


def layers(picture: Image.Image) -> Layers:
    """A decoded picture as upright layers of 8-bit sRGB.

    - The EXIF orientation is applied. One that cannot be read counts as upright.
    - Colours are converted from an embedded ICC profile (perceptual intent). A damaged profile, or
      one of another colour space than the pixels, is ignored. CMYK without a profile is 1 - ink.
    - 16-bit greys are scaled to 8 bits, not clipped.

    picture: any mode except the 32-bit greys I and F, whose range is unknown.
    Raises: whatever Pillow raises on damaged files.
    """
    picture.load()
    tags = getattr(picture, "tag_v2", {})
    profile = picture.info.get("icc_profile")
    picture = _turned(picture)
    if picture.mode.startswith("I;16"):
        deep = _scaled(picture, tags)
        eight = ((deep.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
        colours = _converted(Image.fromarray(eight), profile)
        return Layers(colours, None, True, None if profile else deep)
    grey, alpha = picture.mode in _GREYS, None
    if picture.has_transparency_data:
        if picture.mode != "LA":
            picture = picture.convert("RGBA")
        *bands, alpha = picture.split()
        picture = Image.merge("RGB", bands) if len(bands) == 3 else bands[0]
    if picture.mode == "P":  # the profile is that of the palette's colours
        picture = picture.convert("RGB")
    return Layers(_converted(picture, profile), alpha, grey, None)


_GREYS = ("1", "L", "LA", "La")


def upright_rgb(picture: Image.Image) -> Image.Image:
    """The same picture in mode RGB, 8 bits, upright, sRGB, over white; see `layers`."""
    return layers(picture).over_white()


def pixels_of(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """(h, w, 3) uint8 of a picture in mode RGB. Some rows at a time: all at once Pillow would copy
    a large photo three times, and getting memory takes longer than copying."""
    width, height = picture.size
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    for top in range(0, height, _ROWS):
        bottom = min(top + _ROWS, height)
        pixels[top:bottom] = np.asarray(picture.crop((0, top, width, bottom)))
    return pixels


_ROWS = 64


def _turned(picture: Image.Image) -> Image.Image:
    try:
        turn = _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata, whole pixels: viewers show those
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _scaled(picture: Image.Image, tags: Mapping[int, Any]) -> npt.NDArray[np.uint16]:
    """Greys of up to 16 bits, scaled to 0 to 65535. tags: those of a TIFF, else empty."""
    largest = 2 ** int(tags.get(_BITS, (16,))[0]) - 1
    values = np.asarray(picture).astype(np.uint64)
    scaled = ((values * 65535 + largest // 2) // largest).clip(max=65535)
    grey: npt.NDArray[np.uint16] = scaled.astype(np.uint16)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow applies it up to 8 bits only
        grey = 65535 - grey
    return grey


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
