"""Recognition by a service: it is sent whole photos, finds faces itself and answers searches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from lowkey_core.errors import NotPossibleError
from lowkey_core.photos.decoding import encode_pixels
from lowkey_core.recognition.candidates import nothing
from lowkey_core.types import Candidates, Gallery, Pictures
from lowkey_core.weights import Card


class Client(Protocol):
    """What is asked of a service: one collection, filled once and then searched."""

    def index(self, identity: int, photo: bytes, /) -> bool:
        """Enrols the main face of a PNG file. Returns whether one was indexed."""
        ...

    def search(self, photo: bytes, k: int, /) -> list[tuple[int, float]] | None:
        """The k identities most like the main face of a PNG file, best first, with scores that are
        higher for more alike; fewer where it finds fewer. None: it finds no face."""
        ...


class Connect(Protocol):
    """Opens a new, empty collection."""

    def __call__(self) -> Client:
        """Its client."""
        ...


@dataclass(frozen=True)
class Service:
    """A `Recognition`."""

    card: Card
    connect: Connect
    matcher: str = "its own"

    def enrol(self, gallery: Pictures, /) -> Gallery:
        """As `Recognition.enrol`."""
        client = self.connect()
        indexed = [
            client.index(picture.identity, encode_pixels(picture.pixels(), "PNG"))
            for picture in gallery.items
        ]
        return ServiceGallery(self, client, torch.tensor(indexed, dtype=torch.bool))


@dataclass(frozen=True)
class ServiceGallery:
    """A collection that was filled."""

    service: Service
    client: Client
    indexed: Tensor = field(compare=False)
    """(n,) bool: of the pictures sent, which have a face that the service indexed."""

    def search(self, probes: Pictures, k: int, /) -> Candidates:
        """As `Gallery.search`; a photo in which the service finds no face finds nobody."""
        answer = nothing(len(probes), k)
        for row, picture in enumerate(probes.items):
            found = self.client.search(encode_pixels(picture.pixels(), "PNG"), k)
            for column, (identity, score) in enumerate((found or [])[:k]):
                answer.scores[row, column] = score
                answer.identities[row, column] = identity
        return answer

    def likeness(self, probes: Pictures, claimed: Tensor, /) -> Tensor:
        """Raises: NotPossibleError: services compare with a collection, not with one entry."""
        del claimed
        raise uncompared(self.service.card, len(probes))


def uncompared(card: Card, probes: int) -> NotPossibleError:
    """A service was asked for likeness to one entry."""
    return NotPossibleError(
        f"{card.name} was asked how alike {probes} pictures are to whom they claim to be",
        expected="a recogniser that gives embeddings",
        remedy="leave out measures of verification, or name another recogniser",
    )
