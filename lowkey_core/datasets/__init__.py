"""Photographs of people. Each file exports `build(...) -> Dataset`."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from lowkey_core.errors import DatasetError, PluginError
from lowkey_core.photos.photo import Photo
from lowkey_core.plugins import Kind
from lowkey_core.plugins.code import is_file
from lowkey_core.spec import Spec, parse
from lowkey_core.weights import Card
from lowkey_core.work.work import Work

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Dataset:
    """Photos by identity, in an order that depends on nothing but names."""

    name: str
    photos: tuple[Photo, ...]
    called: str = ""
    """As the cards of networks that learned from it call it."""
    cards: tuple[Card, ...] = ()
    """Of the networks that drew it, if it was drawn."""
    notes: tuple[str, ...] = ()
    """What the report must say about it."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """Of identities whose group is stated: which."""

    @cached_property
    def by_identity(self) -> dict[str, tuple[Photo, ...]]:
        """Identities in alphabetical order, each with its photos by name."""
        people: dict[str, list[Photo]] = {}
        for photo in sorted(self.photos, key=lambda p: (p.identity, p.name)):
            people.setdefault(photo.identity, []).append(photo)
        return {identity: tuple(photos) for identity, photos in people.items()}


DATASETS: Kind[Dataset] = Kind(
    "data set",
    "lowkey_core.datasets",
    promises=("photos",),
    files=("PATH.py", "a folder", "a table.csv"),
)


def load(name: str, work: Work | None = None) -> Dataset:
    """The data set called `name`, or the one in a folder or a `.csv` table of that path.

    work: where one that is drawn keeps its drawings.
    Raises: UnknownNameError, DatasetError.
    """
    return _load(name, work)


def strangers(name: str, work: Work | None = None) -> tuple[Photo, ...]:
    """The photos of that data set, each as a person of its own, and loose ones of a folder too.

    Raises: UnknownNameError, DatasetError.
    """
    return tuple(
        replace(photo, identity=f"{name}: {photo.name}", name=f"{name}: {photo.name}")
        for photo in _load(name, work, loose=True).photos
    )


def _load(name: str, work: Work | None, **of_a_folder: bool) -> Dataset:
    dataset = DATASETS.load(_spec(name, of_a_folder), granted={"work": work})
    if not (isinstance(dataset, Dataset) and all(isinstance(p, Photo) for p in dataset.photos)):
        raise PluginError(
            f"build() of {name} returned {repr(dataset)[:200]}",
            expected="a lowkey_core.datasets.Dataset of Photos",
            remedy="see lowkey_core/datasets/folder.py for an example",
        )
    photos, people = len(dataset.photos), len(dataset.by_identity)
    log.info("data set %s: %d photos of %d people", dataset.name, photos, people)
    return dataset


def _spec(name: str, of_a_folder: Mapping[str, bool]) -> Spec:
    """A path is taken whole: it may hold what specs give a meaning to. Raises: DatasetError."""
    if name not in DATASETS.available():
        if Path(name).is_dir():
            return Spec("folder", options={"root": name, **of_a_folder})
        known = name.partition(":")[0] in DATASETS.available()
        if name.lower().endswith(".csv") and not known:
            return Spec("csv", options={"root": name})
    if is_file(name):
        return Spec(name)
    if Path(name).exists() or _looks_like_a_path(name):
        raise DatasetError(
            f"{name} is no folder" + ("" if Path(name).exists() else ": nothing is there"),
            expected="a folder with a sub-folder per person, a table.csv or a .py file",
            remedy="check the path",
        )
    return parse(name)


def _looks_like_a_path(name: str) -> bool:
    """What has a folder in front of it, before any option."""
    head = name.partition(":")[0]
    return any(mark in head for mark in ("/", os.sep)) or head.startswith((".", "~"))


_MANY, _ENOUGH, _SINGLE = 60, 10, 1000


def kept_out(dataset: Dataset) -> frozenset[str]:
    """The people whom no network is trained on, and on whom the networks are evaluated: 60 with ten
    or more pictures and 1,000 with one, the first of each by the SHA-256 of their names."""

    def first(count: int, people: Sequence[str]) -> list[str]:
        return sorted(people, key=lambda who: hashlib.sha256(who.encode()).digest())[:count]

    many = [who for who, photos in dataset.by_identity.items() if len(photos) >= _ENOUGH]
    single = [who for who, photos in dataset.by_identity.items() if len(photos) == 1]
    return frozenset(first(_MANY, many) + first(_SINGLE, single))


def printable(name: str) -> str:
    """A file's name as text that any report can hold: bytes that are no UTF-8 are written out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def unique_names(photos: Iterable[Photo]) -> tuple[Photo, ...]:
    """The photos, first of each name: archives of one data set may overlap."""
    first: dict[str, Photo] = {}
    for photo in photos:
        first.setdefault(photo.name, photo)
    return tuple(first.values())
