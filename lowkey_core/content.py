"""What an 8-bit file holds of pixels, a name for it, and randomness that depends on it alone."""

from __future__ import annotations

import hashlib

import torch
from torch import Generator, Tensor


def quantise(images: Tensor) -> Tensor:
    """What an 8-bit file holds of `images`: (n, 3, h, w) float32 on the 256 grey levels."""
    return images.detach().clamp(0, 1).mul(255).round_().div_(255)


def digests_of(images: Tensor) -> tuple[str, ...]:
    """A name for each picture's content: BLAKE2b of its 8-bit pixels."""
    pixels = images.detach().mul(255).round().to(torch.uint8).cpu().contiguous().numpy()
    shape = str(tuple(images.shape[1:])).encode()
    return tuple(
        hashlib.blake2b(p.tobytes(), digest_size=16, key=shape).hexdigest() for p in pixels
    )


def per_picture(rng: Generator, digest: str) -> Generator:
    """A generator for one picture, from the run's seed and the picture's content alone."""
    seed = hashlib.blake2b(f"{rng.initial_seed()}:{digest}".encode(), digest_size=8).digest()
    return Generator().manual_seed(int.from_bytes(seed, "little") >> 1)
