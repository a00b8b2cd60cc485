"""The vocabulary: everything that is passed between the parts of an audit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Generator, Tensor

FACE_SIZE = 112
"""Side of an aligned face, in pixels (ArcFace's five-point template)."""

Images = Tensor
"""(n, 3, h, w) float32, RGB in [0, 1]."""
Embeddings = Tensor
"""(n, d) float32, unit L2 norm."""


def quantise(images: Images) -> Images:
    """What an 8-bit file holds of `images`: (n, 3, h, w) float32 on the 256 grey levels."""
    return images.detach().clamp(0, 1).mul(255).round_().div_(255)


def digests_of(images: Images) -> tuple[str, ...]:
    """A name for each picture's content: BLAKE2b of its 8-bit pixels."""
    pixels = images.detach().mul(255).round().to(torch.uint8).contiguous().numpy()
    shape = str(tuple(images.shape[1:])).encode()
    return tuple(
        hashlib.blake2b(p.tobytes(), digest_size=16, key=shape).hexdigest() for p in pixels
    )


@dataclass(frozen=True)
class Faces:
    """Aligned, labelled faces: what a recogniser sees."""

    images: Images
    """(n, 3, 112, 112) float32 in [0, 1], RGB, aligned to the template."""
    identities: Tensor
    """(n,) int64."""

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """A content name per picture; what is remembered about a face is filed under it."""
        return digests_of(self.images)

    def select(self, index: Tensor | Sequence[int]) -> Faces:
        """The faces at `index` ((m,) int64 or bool), their digests not computed again."""
        index = torch.as_tensor(index)
        if index.dtype == torch.bool:
            index = index.nonzero().flatten()
        return _with_digests(
            Faces(self.images[index], self.identities[index]),
            tuple(self.digests[i] for i in index.tolist()),
        )

    def join(self, other: Faces) -> Faces:
        """These faces, then the others."""
        return _with_digests(
            Faces(
                torch.cat([self.images, other.images]),
                torch.cat([self.identities, other.identities]),
            ),
            self.digests + other.digests,
        )


def _with_digests(faces: Faces, digests: tuple[str, ...]) -> Faces:
    faces.__dict__["digests"] = digests  # where cached_property keeps its value
    return faces


@dataclass(frozen=True)
class Pictures:
    """What a person publishes: aligned crops, or whole photos with the way to each face."""

    images: Images
    """(n, 3, h, w) float32 in [0, 1], RGB."""
    identities: Tensor
    """(n,) int64."""
    names: tuple[str, ...]
    """Where each picture came from, for messages and files."""
    warps: Tensor | None = None
    """(n, 2, 3) float32, photo pixels to template pixels; None: the pictures are aligned faces."""

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """A content name per picture; per-picture randomness is seeded with it."""
        return digests_of(self.images)

    def select(self, index: Tensor | Sequence[int]) -> Pictures:
        """The pictures at `index`, (m,) int64."""
        index = torch.as_tensor(index)
        return Pictures(
            self.images[index],
            self.identities[index],
            tuple(self.names[i] for i in index.tolist()),
            None if self.warps is None else self.warps[index],
        )


class Embedder(Protocol):
    """One view of a face to its unit vector; differentiable unless its card says black box."""

    def __call__(self, images: Images, /) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1], aligned RGB."""
        ...


class Cloak(Protocol):
    """Changes pictures before they are published."""

    def __call__(self, pictures: Pictures, rng: Generator, /) -> Images:
        """Same shape as `pictures.images`, in [0, 1]; the input is left alone. `rng` seeds a
        generator per picture, so that a picture's cloak does not depend on its neighbours."""
        ...


Transform = Callable[[Images], Images]
"""What a platform does to pictures after publication; shape and range are kept."""

Matcher = Callable[[Embeddings, Tensor], Callable[[Embeddings], Tensor]]
"""Gallery embeddings (g, d) and identities (g,) to a function from probes (p, d) to scores
(p, c), higher is more alike, one column for each of the c identities in ascending order."""


def per_picture(rng: Generator, digest: str) -> Generator:
    """A generator for one picture, from the run's seed and the picture's content alone."""
    seed = hashlib.blake2b(f"{rng.initial_seed()}:{digest}".encode(), digest_size=8).digest()
    return Generator().manual_seed(int.from_bytes(seed, "little") >> 1)
