"""The vocabulary: everything that is passed between the parts of an audit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lowkey_core.content import digests_of

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


@dataclass(frozen=True)
class Template:
    """Where a face goes in what a network is fed."""

    name: str
    size: int
    """Side, in pixels."""
    chip: tuple[tuple[float, float, float], tuple[float, float, float]] = ((1, 0, 0), (0, 1, 0))
    """From pixels of the ArcFace template to this one's."""
    margin: int | None = None
    """Cut by the detector's box instead, with so many of its pixels around it; then `chip` says
    about where that is."""


ARCFACE = Template("arcface", FACE_SIZE)
"""Five landmarks at fixed places of 112x112 pixels (LowKey, align_face.py): what cloaks change."""


class Picture(Protocol):
    """A published photo of somebody, as an adversary gets it. One photo in memory at a time."""

    @property
    def name(self) -> str:
        """Where it came from, for messages and files."""
        ...

    @property
    def identity(self) -> int:
        """Whom it shows."""
        ...

    @property
    def digest(self) -> str:
        """Names its content: what is known about it is filed under it."""
        ...

    @property
    def found(self) -> bool:
        """Whether the detector finds a face in it."""
        ...

    def face(self, template: Template = ARCFACE, /) -> Tensor:
        """(3, size, size) uint8, cut out of the photo; black where no face was found."""
        ...

    def pixels(self) -> Pixels:
        """The whole photo, 8 bits, as it is served."""
        ...

    def changed(self, change: Tensor, /) -> Picture:
        """The photo whose aligned face shows this change: (3, 112, 112) int16, in grey levels. On
        top of what was changed or transformed before."""
        ...

    def served(self, name: str, transform: Transform, /) -> Picture:
        """The photo after a platform's transform, called so, and after those before it."""
        ...


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures: a gallery, a background, probes."""

    items: tuple[Picture, ...]

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def identities(self) -> Tensor:
        """(n,) int64."""
        return torch.tensor([p.identity for p in self.items], dtype=torch.int64)

    @cached_property
    def found(self) -> Tensor:
        """(n,) bool."""
        return torch.tensor([p.found for p in self.items], dtype=torch.bool)

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """Of each picture."""
        return tuple(p.digest for p in self.items)

    @property
    def names(self) -> tuple[str, ...]:
        """Of each picture."""
        return tuple(p.name for p in self.items)

    @property
    def people(self) -> list[int]:
        """The identities, each once, in ascending order."""
        return [int(i) for i in self.identities.unique()]

    def faces(self, template: Template = ARCFACE, rows: Sequence[int] | None = None) -> Images:
        """(n, 3, size, size) float32 in [0, 1], of all or of some rows."""
        chosen = self.items if rows is None else [self.items[i] for i in rows]
        cut = [picture.face(template) for picture in chosen]
        empty = torch.zeros(0, 3, template.size, template.size)
        return torch.stack(cut).float().div_(255) if cut else empty

    def select(self, index: Tensor | Sequence[int]) -> Pictures:
        """The pictures at `index`, (m,) int64 or bool."""
        rows = torch.as_tensor(index)
        rows = rows.nonzero().flatten() if rows.dtype == torch.bool else rows
        return Pictures(tuple(self.items[i] for i in rows.tolist()))

    def of(self, identities: Sequence[int]) -> Pictures:
        """The pictures of these identities."""
        return self.select(torch.isin(self.identities, torch.as_tensor(identities)))

    def join(self, other: Pictures) -> Pictures:
        """These pictures, then the others."""
        return Pictures(self.items + other.items)

    def replaced(self, which: Tensor, others: Pictures) -> Pictures:
        """These pictures, but those of `which`, (n,) bool, taken from `others`, n pictures too."""
        pairs = zip(which.tolist(), others.items, self.items, strict=True)
        return Pictures(tuple(theirs if w else own for w, theirs, own in pairs))


@dataclass(frozen=True)
class Faces:
    """Aligned faces: what a cloak is given."""

    images: Images
    """(n, 3, 112, 112) float32 in [0, 1], RGB, at the ArcFace template."""
    identities: Tensor
    """(n,) int64."""
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """A content name per face; per-picture randomness is seeded with it."""
        return digests_of(self.images)

    def select(self, rows: Tensor) -> Faces:
        """The faces at `rows`, (m,) int64."""
        names = tuple(self.names[i] for i in rows.tolist())
        return Faces(self.images[rows], self.identities[rows], names)


def faces_of(pictures: Pictures) -> Faces:
    """The aligned faces of some pictures."""
    return Faces(pictures.faces(), pictures.identities, pictures.names)


class Network(Protocol):
    """One view of a face to its unit vector; differentiable unless its card says black box."""

    card: Any
    """A `lowkey_core.weights.Card`: where it comes from, and what may be concluded with it."""
    template: Template
    """What it is fed."""

    def __call__(self, images: Images, /) -> Embeddings:
        """images: (n, 3, size, size) float32 in [0, 1], RGB, at `template`."""
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
