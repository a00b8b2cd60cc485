"""A photo with all that a copy can keep of its file: greys, transparency, 16 bits, JPEG quality.

Does not import torch.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

from lowkey_core.photos.colour import Layers, layers, pixels_of
from lowkey_core.photos.decoding import Pixels, opened
from lowkey_core.photos.jpeg_quality import quality_of


@dataclass(frozen=True)
class Original:
    """A decoded photo."""

    pixels: Pixels
    """As `decode_pixels` gives them: what is shown."""
    layers: Layers
    bits: int
    """Of a colour, in the file."""
    profile: str
    """Name of its colour profile; "" of sRGB and of none."""
    quality: int | None
    """Of a JPEG, 1 to 100, as its quantisation tables say."""
    pictures: int
    """In the file; the first is decoded."""
    animated: bool
    """Whether they are shown one after the other."""

    def changed(self, pixels: Pixels) -> Image.Image:
        """This photo, but showing `pixels`, in the mode that holds all of it: greys stay grey and
        keep 16 bits, what is transparent stays so.

        A change of what is shown over white, a * colour + (1 - a) * white, is one of the colour
        divided by a. The colours of fully transparent pixels become white.
        """
        if self.layers.deep is not None:
            step = pixels[..., 0].astype(np.int32) - self.pixels[..., 0]
            deep = self.layers.deep + 257 * step
            return Image.fromarray(deep.clip(0, 65535).astype(np.uint16))
        if self.layers.alpha is None:
            return self.flat(pixels)
        alpha, colours = np.asarray(self.layers.alpha), np.array(self.layers.colours)
        moved = (pixels != self.pixels).any(2)
        step = pixels[moved].astype(np.float32) - self.pixels[moved]
        step *= 255 / np.maximum(alpha[moved], 1).astype(np.float32)[:, None]
        colours[moved] = (colours[moved] + step).round().clip(0, 255)
        colours[alpha == 0] = 255
        copy = self.flat(colours)
        copy.putalpha(self.layers.alpha)
        return copy

    def flat(self, pixels: Pixels) -> Image.Image:
        """`pixels` in 8 bits without transparency, in grey if this photo is."""
        if not self.layers.grey:
            return Image.fromarray(pixels)
        return Image.fromarray(((pixels.sum(2, dtype=np.uint16) + 1) // 3).astype(np.uint8))

    def lost(self, *, flat: bool) -> Iterator[str]:
        """What a copy does not keep. flat: it is made by `flat`."""
        if self.bits > 8 and (flat or self.layers.deep is None):
            yield f"{self.bits} bits a colour became 8"
        if flat and self.layers.alpha is not None:
            yield "what was transparent became white"
        if self.profile:
            yield f"colours of {self.profile} became sRGB"
        if self.pictures > 1:
            yield f"the first of {self.pictures} pictures in the file"


def read(content: bytes, name: object = "picture") -> Original:
    """A picture file, as `decode_pixels` reads it. Raises: UnreadableImageError."""
    with opened(content, name) as file:
        bits, profile, pictures = _bits(file, content), _profile(file), getattr(file, "n_frames", 1)
        tables = getattr(file, "quantization", None) if file.format in ("JPEG", "MPO") else None
        animated = pictures > 1 and file.format in ("GIF", "PNG", "WEBP", "AVIF")
        made = layers(file)
        pixels = pixels_of(made.over_white())
    quality = quality_of(tables[0]) if tables and 0 in tables else None
    return Original(pixels, made, bits, profile, quality, pictures, animated)


def _bits(file: Image.Image, content: bytes) -> int:
    """Of a colour: decoders give 8 of them, and for most formats do not say of how many."""
    if file.format == "PNG":
        return content[_PNG_DEPTH]
    if file.format == "TIFF":
        return int(max(getattr(file, "tag_v2", {}).get(_TIFF_DEPTHS, (8,))))
    if file.format == "JPEG2000" and (header := content.find(b"ihdr")) > 0:
        return (content[header + _JP2_DEPTH] & 0x7F) + 1
    return int(file.info.get("bit_depth", 8))


_PNG_DEPTH, _TIFF_DEPTHS, _JP2_DEPTH = 24, 258, 14


def _profile(file: Image.Image) -> str:
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(file.info["icc_profile"]))
        name = ImageCms.getProfileDescription(profile).strip()
    except Exception:  # none, or one that cannot be read and is ignored
        return ""
    return "" if "sRGB" in name else name[:40] or "its profile"
