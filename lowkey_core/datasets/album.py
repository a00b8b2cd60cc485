"""Photos of one's own: `album:FOLDER`.

Pictures right in the folder are all of one person, who is called as the folder is; what lies in
sub-folders then takes no part. If none lies there, each sub-folder is a person, as in `folder`.

Whatever is of no use is left out, with a note: pictures without a face, unreadable ones, those that
show the same face as another to the last pixel, and files that are called as cloaked copies are.
So everybody's photos can be counted before they are dealt out.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lowkey_core.datasets import Dataset, folder, printable
from lowkey_core.errors import DatasetError
from lowkey_core.faces.found import Found, find
from lowkey_core.photos.names import is_marked
from lowkey_core.photos.photo import Photo
from lowkey_core.work.work import Work

_NAMED = 10
"""So many pictures of each kind are named."""


def build(root: str, work: Work | None = None) -> Dataset:
    """root: the folder. work: where it is kept which photos hold a face.

    Raises: DatasetError if no picture is of use, StorageError if a folder cannot be listed.
    """
    whole = folder.build(root, loose=True)
    loose = [photo for photo in whole.photos if "/" not in photo.name]
    photos, notes = (_own(root, loose), whole.notes) if loose else (whole.photos, whole.notes)
    left: dict[str, list[str]] = defaultdict(list)
    if inside := len(whole.photos) - len(photos):
        notes += (f"{inside} pictures in sub-folders of {printable(root)} take no part.",)
    kept = [p for p in photos if not is_marked(p.path.stem)]
    left["are called as cloaked copies are"] = [p.name for p in photos if is_marked(p.path.stem)]
    usable = tuple(_usable(kept, find(kept, work or Work()), left))
    told = tuple(_told(left))
    if not usable:
        raise DatasetError(
            f"no picture in {root} is of use: {' '.join(told)}",
            expected="photos that show a face",
            remedy="name another folder",
        )
    return Dataset(root, usable, notes=notes + told)


def _own(root: str, loose: Sequence[Photo]) -> tuple[Photo, ...]:
    who = printable(Path(os.path.realpath(root)).name) or "one person"
    return tuple(Photo(who, photo.name, photo.path) for photo in loose)


def _usable(
    photos: Sequence[Photo], found: Sequence[Found], left: dict[str, list[str]]
) -> Iterator[Photo]:
    """Those with a face of their own. left: told the others, by reason."""
    seen = set[str]()
    for photo, faces in zip(photos, found, strict=True):
        if faces.lost:
            left[f"cannot be used ({faces.lost})"].append(photo.name)
        elif not faces.frames:
            left["show no face"].append(photo.name)
        elif faces.shows in seen:
            left["show the same as another"].append(photo.name)
        else:
            seen.add(faces.shows)
            yield photo


def _told(left: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for why, names in left.items():
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield f"{len(names)} of the pictures {why}: {', '.join(names[:_NAMED])}{more}."
