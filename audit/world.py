"""Everybody but the audited people: a data set of their own, less whoever is audited."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lowkey_core import datasets
from lowkey_core.datasets import Dataset
from lowkey_core.errors import UnreadableImageError
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.work.work import Work

_NAMED = 5
"""So many of those who are left out are named in the report."""


@dataclass(frozen=True)
class World:
    """The people among whom others are searched for."""

    dataset: Dataset
    """Identities and photos under names that nobody audited has."""
    left_out: frozenset[str]
    """Identities who are audited themselves."""

    def of(self, own: Dataset) -> Dataset:
        """What the report says of the audited people's data set, and of this one."""
        return replace(
            own,
            called=own.called or self.dataset.called,
            cards=own.cards + self.dataset.cards,
            notes=(*own.notes, *self._notes()),
        )

    def _notes(self) -> Iterator[str]:
        name = self.dataset.name
        if self.dataset.cards:
            yield (
                f"Everybody else is from {name}: generated, not photos of people. "
                "Among real people a search may be harder."
            )
        else:
            yield f"Everybody else is from {name}."
            yield from self.dataset.notes
        if self.left_out:
            found = sorted(self.left_out)
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            yield (
                f"{len(found)} people of {name} are left out, as they are audited, by their name "
                f"or by a picture: {', '.join(found[:_NAMED])}{more}."
            )


def load(name: str, own: Dataset, work: Work) -> World:
    """The data set called `name`, or in that folder, around the people of `own`.

    Who has the name of an audited person, however it is written, or one of their picture files, is
    left out whole: nobody is searched for among pictures of themselves under another name.
    Raises: UnknownNameError, DatasetError.
    """
    found = datasets.load(name, work)
    audited = {_plain(who) for who in own.by_identity}
    same = {who for who in found.by_identity if _plain(who) in audited}
    same |= {photo.identity for photo in _files_of(own, found)}
    named = {who: f"{name}: {who}" for who in found.by_identity}
    photos = tuple(
        replace(photo, identity=named[photo.identity], name=f"{name}: {photo.name}")
        for photo in found.photos
    )
    return World(replace(found, photos=photos), frozenset(named[who] for who in same))


def _plain(name: str) -> str:
    """`Ada_Lovelace` and `ada lovelace` are one name."""
    return re.sub(r"[\W_]+", "", name).casefold() or name


def _files_of(own: Dataset, found: Dataset) -> Iterator[Photo]:
    """The photos of `found` whose file is one of `own`. Only those of an equal size are read."""
    sizes = {_bytes(photo) for photo in own.photos}
    digests = {_digest(photo) for photo in own.photos}
    for photo in found.photos:
        size = _bytes(photo)
        if size is not None and size in sizes and _digest(photo) in digests:
            yield photo


def _bytes(photo: Photo) -> int | None:
    """How long a photo's file is; None of one that is drawn when it is read."""
    if photo.size >= 0:
        return photo.size
    with contextlib.suppress(OSError, ValueError):
        return photo.path.stat().st_size
    return None


def _digest(photo: Photo) -> str:
    try:
        return digest_of(photo.read())
    except UnreadableImageError:
        return photo.name
