"""Conversion between picture files, pixels and tensors. `decoding` handles untrusted files."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from lowkey_core.photos.decoding import Pixels
from lowkey_core.photos.decoding import decode_pixels as decode_pixels
from lowkey_core.photos.decoding import encode_pixels as encode_pixels
from lowkey_core.photos.decoding import read_file as read_file
from lowkey_core.types import Images


def decode(content: bytes, name: str = "picture") -> Images:
    """`decode_pixels` as a tensor, (1, 3, h, w) float32 in [0, 1]. Raises: UnreadableImageError."""
    return from_pixels(decode_pixels(content, name))


def encode(image: Images, file_format: str, **options: object) -> bytes:
    """One picture as a file without metadata. image: (1, 3, h, w) float32 in [0, 1]."""
    return encode_pixels(to_pixels(image), file_format, **options)


def from_pillow(picture: Image.Image) -> Images:
    """(1, 3, h, w) float32 in [0, 1] from an RGB Pillow image."""
    return from_pixels(np.array(picture, dtype=np.uint8))


def to_pillow(image: Images) -> Image.Image:
    """An RGB Pillow image of one picture, (1, 3, h, w) float32 in [0, 1], rounded to 8 bits."""
    return Image.fromarray(to_pixels(image))


def from_pixels(pixels: Pixels) -> Images:
    """(1, 3, h, w) float32 in [0, 1]."""
    return torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0).float().div_(255)


def to_pixels(image: Images) -> Pixels:
    """One picture, (1, 3, h, w) float32 in [0, 1], rounded to 8 bits."""
    pixels = image[0].detach().clamp(0, 1).mul(255).round().to(torch.uint8)
    return pixels.permute(1, 2, 0).contiguous().numpy()
