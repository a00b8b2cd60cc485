"""How far a picture may be changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from lowkey_core.content import per_picture
from lowkey_core.types import Images


def pixels(images: Images) -> Images:
    """Brought into [0, 1]."""
    return images.clamp(0, 1)


def ball(clean: Images, eps: float) -> Callable[[Images], Images]:
    """Brought into [0, 1], no pixel farther from `clean` than `eps` has whole grey levels: so the
    limit also holds of the 8-bit file."""
    reach = whole_levels(eps)
    low, high = (clean - reach).clamp(0, 1), (clean + reach).clamp(0, 1)
    return lambda images: images.clamp(low, high)


def whole_levels(eps: float) -> float:
    """The largest number of grey levels that is no more than `eps`, on the [0, 1] scale."""
    return int(eps * 255 + 1e-6) / 255


def uniform(shape: Sequence[int], width: float, rng: Generator, digests: Sequence[str]) -> Tensor:
    """(n, *shape) uniform in [-width, width], drawn for each picture by itself."""
    each = [torch.rand(shape, generator=per_picture(rng, digest)) for digest in digests]
    return torch.stack(each).mul(2 * width).sub(width)


def firsts(digests: Sequence[str], owner: Tensor) -> list[str]:
    """For each person a digest that names the person's pictures, in whatever order they are.

    owner: (n,) int64, the number of each picture's person, all from 0 on.
    """
    own: dict[int, list[str]] = {}
    for digest, who in zip(digests, owner.tolist(), strict=True):
        own.setdefault(who, []).append(digest)
    return [min(own[who]) for who in range(len(own))]
