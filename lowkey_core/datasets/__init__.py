"""Photographs of people. Each file exports `build(...) -> Dataset`."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lowkey_core import plugins

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Photo:
    """One picture file, or the part of an archive that holds it."""

    identity: str
    name: str
    """Unique in its data set."""
    path: Path
    offset: int = 0
    """Where in `path` the picture's bytes start."""
    size: int = -1
    """How many bytes; -1: to the end."""

    def read(self) -> bytes:
        """The encoded picture."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


@dataclass(frozen=True)
class Dataset:
    """Photos by identity, in an order that depends on nothing but names."""

    name: str
    photos: tuple[Photo, ...]

    @cached_property
    def by_identity(self) -> dict[str, tuple[Photo, ...]]:
        """Identities in alphabetical order, each with its photos by name."""
        people: dict[str, list[Photo]] = {}
        for photo in sorted(self.photos, key=lambda p: (p.identity, p.name)):
            people.setdefault(photo.identity, []).append(photo)
        return {identity: tuple(photos) for identity, photos in people.items()}


def load(name: str) -> Dataset:
    """The data set called `name`, or the one in a folder of that path (one sub-folder an identity).

    Raises: UnknownNameError, DatasetError.
    """
    options: dict[str, str] = {}
    if name not in plugins.available("lowkey_core.datasets") and Path(name).is_dir():
        name, options = "folder", {"root": name}
    dataset: Dataset = plugins.load("lowkey_core.datasets", name, options=options)
    photos, people = len(dataset.photos), len(dataset.by_identity)
    log.info("data set %s: %d photos of %d people", dataset.name, photos, people)
    return dataset


def unique_names(photos: Iterable[Photo]) -> tuple[Photo, ...]:
    """The photos, first of each name: archives of one data set may overlap."""
    first: dict[str, Photo] = {}
    for photo in photos:
        first.setdefault(photo.name, photo)
    return tuple(first.values())
