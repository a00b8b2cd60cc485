"""Untrusted image files in, published files out."""

from __future__ import annotations

import io
import warnings

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from lowkey_core.checks import UnreadableImageError
from lowkey_core.types import Images

FORMATS = ("JPEG", "PNG")
"""What is opened; every other decoder stays shut."""
MAX_PIXELS = 50_000_000
"""A larger picture is refused before it is decoded."""


def decode(content: bytes, name: str = "picture") -> Images:
    """A picture file's pixels, upright (EXIF orientation applied) and RGB.

    Returns: (1, 3, h, w) float32 in [0, 1]. Raises: UnreadableImageError.
    """
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(content), formats=FORMATS) as file:
            warnings.simplefilter("ignore")
            if file.width * file.height > MAX_PIXELS:
                raise UnreadableImageError(
                    f"{name} is {file.width}x{file.height}",
                    expected=f"at most {MAX_PIXELS / 1e6:.0f} megapixels",
                    remedy="resize it",
                )
            picture = ImageOps.exif_transpose(file).convert("RGB")
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
    ) as e:
        raise UnreadableImageError(
            f"{name} cannot be read ({type(e).__name__}: {e})",
            expected="a whole " + " or ".join(FORMATS) + " file",
            remedy="open it in a viewer and export it again",
        ) from e
    return from_pillow(picture)


def encode(image: Images, file_format: str, **options: object) -> bytes:
    """One picture as a file without metadata. image: (1, 3, h, w) float32 in [0, 1]."""
    file = io.BytesIO()
    to_pillow(image).save(file, file_format, **options)
    return file.getvalue()


def from_pillow(picture: Image.Image) -> Images:
    """(1, 3, h, w) float32 in [0, 1] from an RGB Pillow image."""
    pixels = torch.from_numpy(np.array(picture, dtype=np.uint8))
    return pixels.permute(2, 0, 1).unsqueeze(0).float().div_(255)


def to_pillow(image: Images) -> Image.Image:
    """An RGB Pillow image of one picture, (1, 3, h, w) float32 in [0, 1], rounded to 8 bits."""
    pixels = image[0].detach().clamp(0, 1).mul(255).round().to(torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy(), "RGB")
