"""A commercial service as a recogniser: what it is asked, and what is kept of its answers."""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lowkey_core.errors import NotPossibleError, ServiceError
from lowkey_core.recognition.candidates import nothing
from lowkey_core.services import answers
from lowkey_core.services.answers import Filled, Named, Searched
from lowkey_core.services.collection import Collection
from lowkey_core.services.vendor import TOO_LARGE, Found, Vendor, file_of
from lowkey_core.types import Candidates, Gallery, Picture, Pictures
from lowkey_core.weights import Card
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work

if TYPE_CHECKING:
    from lowkey_core.services.asking import Services


@dataclass(frozen=True)
class Asked:
    """A `Recognition`."""

    card: Card
    vendor: Vendor
    services: Services = field(repr=False, compare=False)
    matcher: str = "its own"
    answers: Counter[str] = field(default_factory=Counter, compare=False)
    """What it said, of how many photos: `index: ...` and `search: ...`. Each answer counts once,
    whether it is new or was kept."""
    sending: dict[str, int] = field(default_factory=dict, compare=False)
    """In a trial: of each photo that would be sent, whom it shows."""
    counted: set[str] = field(default_factory=set, compare=False, repr=False)

    @property
    def filling(self) -> str:
        """What calls to fill collections are called in a forecast."""
        return f"{self.card.name}: calls to fill collections"

    @property
    def searching(self) -> str:
        """And searches."""
        return f"{self.card.name}: searches"

    @property
    def fingerprint(self) -> str:
        """Of what its answers depend on."""
        return answers.name(self.vendor.name, self.vendor.endpoint.url, self.vendor.about)

    def enrol(self, gallery: Pictures, /) -> Gallery:
        """As `Recognition.enrol`. Nothing is sent before a search whose answer is not kept."""
        rows = [*zip((p.identity for p in gallery.items), self.named(gallery), strict=True)]
        return AskedGallery(self, gallery, answers.name("gallery", self.fingerprint, rows))

    def named(self, pictures: Pictures) -> list[str]:
        """A name for the pixels of each, whatever our code calls the picture."""
        work, items = self.services.work, pictures.items
        keys = [answers.name("photo", digest) for digest in pictures.digests]
        if work.trying:  # one that was not named before has no answer that is kept
            known = [work.cache.get(key) for key in keys]
            pairs = zip(known, pictures.digests, strict=True)
            return [answers.opened(r, Named).pixels if r else digest for r, digest in pairs]

        def name(row: int) -> Record:
            pixels = items[row].pixels()
            digest = hashlib.blake2b(
                pixels.tobytes(), digest_size=16, key=str(pixels.shape).encode()
            )
            return answers.sealed(Named(pixels=digest.hexdigest()))

        records = work.through(f"{self.card.name}: photos read", keys, name, answers.fits(Named))
        return [answers.opened(record, Named).pixels for record in records]

    def count(self, key: str, what: str) -> None:
        """Once for each key."""
        if key not in self.counted and not self.services.work.trying:
            self.counted.add(key)
            self.answers[what] += 1


@dataclass(frozen=True)
class AskedGallery:
    """A collection, filled when it is first needed."""

    service: Asked
    pictures: Pictures
    key: str
    """Of the service, and of the pictures in their order."""

    @property
    def indexed(self) -> Tensor:
        """(n,) bool: of the pictures, which have a face that the service indexed."""
        if self._work.trying or not len(self.pictures):
            return torch.ones(len(self.pictures), dtype=torch.bool)
        return torch.tensor([not said for said in self._filled.said], dtype=torch.bool)

    def search(self, probes: Pictures, k: int, /) -> Candidates:
        """As `Gallery.search`; a photo in which the service finds no face finds nobody.

        Raises: ServiceError.
        """
        vendor, work, answer = self.service.vendor, self._work, nothing(len(probes), k)
        if not len(probes) or not len(self.pictures):
            return answer
        keys = [answers.name("search", self.key, name) for name in self.service.named(probes)]
        label = self.service.searching
        if trial := work.trying:
            trial.foreseen(label, answers.sealed(Searched()), vendor.per_search / vendor.rate)
            self._foresee([p for p, key in zip(probes.items, keys, strict=True) if self._new(key)])
        records = work.through(
            *(label, keys, lambda i: answers.sealed(self._search(probes.items[i]))),
            answers.fits(Searched),
        )
        for row, (key, record) in enumerate(zip(keys, records, strict=True)):
            found = answers.opened(record, Searched)
            self.service.count(key, f"search: {found.said or 'answered'}")
            for column, (identity, score) in enumerate(found.found[:k]):
                answer.scores[row, column] = score
                answer.identities[row, column] = identity
        return answer

    def likeness(self, probes: Pictures, claimed: Tensor, /) -> Tensor:
        """Raises: NotPossibleError: services compare with a collection, not with one entry."""
        del claimed
        raise NotPossibleError(
            f"{self.service.card.name} was asked how alike {len(probes)} pictures are to whom they "
            "claim to be",
            expected="a recogniser that gives embeddings",
            remedy="leave out measures of verification, or name another recogniser",
        )

    @property
    def _work(self) -> Work:
        return self.service.services.work

    def _new(self, key: str) -> bool:
        return self._work.cache.get(key) is None

    def _foresee(self, probes: list[Picture]) -> None:
        """Of a trial: what has to be sent for these searches, whose answers are not kept."""
        trial, vendor = self._work.trying, self.service.vendor
        if trial is None or not probes:
            return
        sent = [*self.pictures.items, *probes]
        self.service.sending.update((p.digest, p.identity) for p in sent)
        label = self.service.filling
        calls = vendor.calls(len(self.pictures), len(self.pictures.people))
        trial.foreseen(label, {}, 1 / vendor.rate)
        trial.make(label, [f"{self.key}/{i}" for i in range(calls)], list)

    @cached_property
    def _filled(self) -> Filled:
        """What became of each picture; the collection is filled unless that is known."""
        key, cache = answers.name("filled", self.key), self._work.cache
        record = cache.get(key)
        if record is None or not answers.fits(Filled)(record):
            record = answers.sealed(Filled(said=self._collection().fill(self.pictures, self._work)))
            cache.put(key, record)
        filled = answers.opened(record, Filled)
        if len(filled.said) != len(self.pictures):
            raise ServiceError(
                f"what is kept of {self.service.card.name} is of {len(filled.said)} photos",
                expected=f"{len(self.pictures)}",
                remedy="remove it with `cache clear`",
            )
        for row, said in enumerate(filled.said):
            self.service.count(f"{self.key}/{row}", f"index: {said or 'indexed'}")
        return filled

    def _collection(self) -> Collection:
        services, vendor = self.service.services, self.service.vendor
        return services.collection(vendor, self.key, len(self.pictures))

    def _search(self, picture: Picture) -> Searched:
        if all(self._filled.said):
            return Searched(said="nobody is indexed")
        collection, vendor = self._collection(), self.service.vendor
        collection.fill(self.pictures, self._work)  # it may be another than that which is kept
        people = collection.people(self.pictures)
        photo = file_of(picture.pixels(), vendor)
        found = Found(TOO_LARGE) if photo is None else vendor.search(collection.name, photo)
        best: dict[int, float] = {}
        for handle, score in found.matches:
            with contextlib.suppress(KeyError):  # of a call that was interrupted: it is there twice
                who = people[handle]
                best[who] = max(score, best.get(who, score))
        ordered = sorted(best.items(), key=lambda pair: -pair[1])
        return Searched(said=found.said, found=tuple(ordered))
