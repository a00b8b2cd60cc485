"""The vocabulary: everything that is passed between the parts of an audit."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor

FACE_SIZE = 112
"""Side of an aligned face, in pixels (ArcFace's five-point template)."""

Images = Tensor
"""(n, 3, h, w) float32, RGB in [0, 1]."""
Embeddings = Tensor
"""(n, d) float32, unit L2 norm."""
Pixels = npt.NDArray[np.uint8]
"""(h, w, 3) uint8, RGB."""
Transform = Callable[[Pixels], Pixels]
"""What a platform does to a published picture, on its 8-bit pixels; the size is kept."""


def quantise(images: Images) -> Images:
    """What an 8-bit file holds of `images`: (n, 3, h, w) float32 on the 256 grey levels."""
    return images.detach().clamp(0, 1).mul(255).round_().div_(255)


def digests_of(images: Images) -> tuple[str, ...]:
    """A name for each picture's content: BLAKE2b of its 8-bit pixels."""
    pixels = images.detach().mul(255).round().to(torch.uint8).cpu().contiguous().numpy()
    shape = str(tuple(images.shape[1:])).encode()
    return tuple(
        hashlib.blake2b(p.tobytes(), digest_size=16, key=shape).hexdigest() for p in pixels
    )


@dataclass(frozen=True)
class Pictures:
    """What people publish, and what adversaries scrape: labelled faces."""

    images: Images
    """(n, 3, 112, 112) float32 in [0, 1], RGB, aligned to the template."""
    identities: Tensor
    """(n,) int64."""
    names: tuple[str, ...]
    """Where each picture came from, for messages and files."""

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """A content name per picture: what is known about it is filed under it, and per-picture
        randomness is seeded with it."""
        return digests_of(self.images)

    @property
    def people(self) -> list[int]:
        """The identities, each once, in ascending order."""
        return [int(i) for i in self.identities.unique()]

    def select(self, index: Tensor | Sequence[int]) -> Pictures:
        """The pictures at `index` ((m,) int64 or bool), their digests not computed again."""
        rows = torch.as_tensor(index)
        rows = rows.nonzero().flatten() if rows.dtype == torch.bool else rows.long()
        chosen = rows.tolist()
        return _known(
            Pictures(
                self.images[rows], self.identities[rows], tuple(self.names[i] for i in chosen)
            ),
            tuple(self.digests[i] for i in chosen),
        )

    def of(self, identities: Sequence[int]) -> Pictures:
        """The pictures of these identities."""
        return self.select(torch.isin(self.identities, torch.as_tensor(identities)))

    def join(self, other: Pictures) -> Pictures:
        """These pictures, then the others."""
        return _known(
            Pictures(
                torch.cat([self.images, other.images]),
                torch.cat([self.identities, other.identities]),
                self.names + other.names,
            ),
            self.digests + other.digests,
        )

    def showing(self, images: Images) -> Pictures:
        """The same pictures with other pixels: (n, 3, 112, 112)."""
        return Pictures(images, self.identities, self.names)

    def replaced(self, which: Tensor, others: Pictures) -> Pictures:
        """These pictures, but those of `which`, (n,) bool, taken from `others`, n pictures too."""
        images = torch.where(which.view(-1, 1, 1, 1), others.images, self.images)
        pairs = zip(which.tolist(), others.digests, self.digests, strict=True)
        return _known(self.showing(images), tuple(theirs if w else own for w, theirs, own in pairs))


def _known(pictures: Pictures, digests: tuple[str, ...]) -> Pictures:
    pictures.__dict__["digests"] = digests  # where cached_property keeps its value
    return pictures


Faces = Pictures
"""What a cloak is given."""


class Network(Protocol):
    """One view of a face to its unit vector; differentiable unless its card says black box."""

    card: Any
    """A `lowkey_core.weights.Card`: where it comes from, and what may be concluded with it."""

    def __call__(self, images: Images, /) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1], aligned RGB."""
        ...


@dataclass(frozen=True)
class CloakAbout:
    """What a cloak says of itself."""

    released: datetime.date | None = None
    """When it became public: recognisers after it are newer. None: not stated."""
    notes: tuple[str, ...] = ()
    """What the report must say of it."""
    unit: Literal["picture", "identity"] = "picture"
    """`identity`: it must be given all pictures of a person at once."""
    against: tuple[Network, ...] | None = ()
    """The networks that it was optimised against; None: not known."""


class Cloak(Protocol):
    """Changes pictures before they are published."""

    @property
    def about(self) -> CloakAbout:
        """What it says of itself."""
        ...

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """Same shape as `faces.images`, in [0, 1]; the input is left alone. `rng` seeds a
        generator per picture, so that a picture's cloak does not depend on its neighbours."""
        ...


@runtime_checkable
class ThirdPartyCloak(Protocol):
    """What a cloak has, too, whose pictures somebody else made: some it has, others not."""

    missing: tuple[str, ...]
    """Names of pictures without a copy."""
    unusable: tuple[str, ...]
    """Names of those whose copy cannot be read, or does not show their face."""

    def originals(self, photos: Iterable[Any], /) -> tuple[Any, ...]:
        """Those of a data set's photos that are not themselves copies. Called first."""
        ...

    def covers(self, name: str, /) -> bool:
        """Whether there is a copy of the photo of that name."""
        ...

    def read(self, faces: Faces, frames: Mapping[str, Any], /) -> None:
        """Told once of all clean faces, and where in their photos they are."""
        ...


@dataclass(frozen=True)
class Candidates:
    """What searches of p probes return: the k most alike identities of each, best first."""

    scores: Tensor
    """(p, k) float32, higher is more alike; -inf where fewer than k were returned."""
    identities: Tensor
    """(p, k) int64; -1 where nothing was returned."""

    def ranks(self, identities: Tensor) -> Tensor:
        """Each probe's rank of its own identity, (p,) int64 from 1; NOT_FOUND behind the last."""
        found = (self.identities == identities.unsqueeze(1)) & (self.scores > -torch.inf)
        better = (found.cumsum(1) == 0).sum(1)
        return torch.where(found.any(1), better + 1, NOT_FOUND)


NOT_FOUND = 2**31 - 1
"""A rank behind every rank."""


class Gallery(Protocol):
    """What was enrolled."""

    def search(self, probes: Pictures, k: int, /) -> Candidates:
        """1:N: of each probe the k most alike identities."""
        ...

    def likeness(self, probes: Pictures, claimed: Tensor, /) -> Tensor:
        """1:1: (p,) float32, how alike each probe is to the identity that it claims, (p,) int64;
        -inf where there is nothing to compare. Raises: NotPossibleError where a service refuses."""
        ...


@runtime_checkable
class Recognition(Protocol):
    """Pictures in: each recognition finds or cuts its own face, or sends the photo."""

    @property
    def card(self) -> Any:
        """A `lowkey_core.weights.Card`."""
        ...

    @property
    def matcher(self) -> str:
        """How it compares, by name; a service has its own."""
        ...

    def enrol(self, gallery: Pictures, /) -> Gallery:
        """A gallery of labelled pictures; an empty one knows nobody."""
        ...


Fit = Callable[[Embeddings, Tensor], "Fitted"]
"""A matcher: from gallery embeddings (g, d) and identities (g,) to what answers searches."""


class Fitted(Protocol):
    """A matcher that knows a gallery."""

    def search(self, probes: Embeddings, k: int, /) -> Candidates:
        """probes: (p, d). No more than k identities of each, never a table of everybody's."""
        ...

    def likeness(self, probes: Embeddings, claimed: Tensor, /) -> Tensor:
        """(p,) float32: as `Gallery.likeness`."""
        ...


def per_picture(rng: Generator, digest: str) -> Generator:
    """A generator for one picture, from the run's seed and the picture's content alone."""
    seed = hashlib.blake2b(f"{rng.initial_seed()}:{digest}".encode(), digest_size=8).digest()
    return Generator().manual_seed(int.from_bytes(seed, "little") >> 1)
