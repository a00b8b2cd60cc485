"""A folder of pictures, sorted into people by its sub-folders.

Every picture lies in some folder; if that is called `face` or `faces`, the one above counts. The
level of people is the highest one at which such a folder is found. A picture belongs to the
person whose folder, at that level, it is in or below. So `Name/1.jpg`, `actors/Name/face/1.jpg`,
`lfw/Name/1.jpg`, `train/n000001/1.jpg` and `Name/1.jpg` beside `Name/holiday/2.jpg` are all people
called `Name`. Folders of one name at that level are one person, wherever they are (`train/Name`,
`test/Name`). Pictures right in the root belong to nobody.

A picture is a file whose content or name says so. Links to what lies inside the folder are
followed, others are named in the report: nothing outside is read. What starts with a dot is passed
over.

A table `groups.csv` in the folder, or `FOLDER.groups.csv` beside it, with the columns `identity`
and `group`, says which group each person is of.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from lowkey_core.datasets import Dataset, printable
from lowkey_core.errors import DatasetError, setting, some
from lowkey_core.photos import groups
from lowkey_core.photos.folders import FACES, Contents, contents
from lowkey_core.photos.formats import SUFFIXES
from lowkey_core.photos.photo import Photo
from lowkey_core.work.files import explained

GROUPS = groups.NAME


def build(root: str | None = None, loose: bool = False) -> Dataset:
    """root: the folder. loose: pictures right in the root count too, under their own names.

    Raises: DatasetError if it holds no picture, StorageError if a folder cannot be listed.
    """
    if root is None:
        raise DatasetError(
            "the data set 'folder' was asked for without a folder",
            expected="the path of a folder with one sub-folder per person",
            remedy=f"give that path itself: {setting('dataset', 'PATH')}",
        )
    folder, held = _listed(root)
    paths = [path.relative_to(folder).parts for path in held.pictures]
    found = sorted(path for path in paths if loose or len(path) > 1)
    level = min((_level(path) for path in found if len(path) > 1), default=1)
    photos = tuple(
        Photo(printable(path[:level][-1]), printable("/".join(path)), folder.joinpath(*path))
        for path in found
    )
    if not photos:
        raise DatasetError(
            f"{root} holds no pictures{'' if loose else ' in sub-folders'}",
            expected=f"{'' if loose else 'PERSON/'}PICTURE in it, with one of "
            + ", ".join(sorted(SUFFIXES)),
            remedy="name another folder"
            if loose
            else "make one sub-folder per person, or name another folder with "
            + setting("dataset"),
        )
    stated = _groups(folder, held)
    notes = [*_notes(folder, held, len(paths) - len(found)), *_strangers(stated, photos)]
    return Dataset(root, photos, notes=tuple(notes), groups=stated)


def below(root: str, who: Callable[[tuple[str, ...]], str], layout: str) -> Dataset:
    """The pictures below a folder whose people are told in another way than `build`'s.

    who: from the parts of a picture's path to its person; "": it belongs to nobody. layout: what
    is expected, for the message. Raises: as `build`.
    """
    folder, held = _listed(root)
    found = sorted(path.relative_to(folder).parts for path in held.pictures)
    photos = tuple(
        Photo(printable(person), printable("/".join(path)), folder.joinpath(*path))
        for path in found
        if (person := who(path))
    )
    if not photos:
        raise DatasetError(
            f"{root} holds {len(found)} pictures, and none of anybody",
            expected=layout,
            remedy="name another folder, or read it as a folder of people: "
            + setting("dataset", "PATH"),
        )
    return Dataset(root, photos, notes=tuple(_notes(folder, held, len(found) - len(photos), "in")))


def _listed(root: str) -> tuple[Path, Contents]:
    """Raises: StorageError if a folder cannot be listed."""
    folder = Path(os.path.realpath(root))
    held = contents(folder)
    for error in held.closed:
        with explained(Path(error.filename)):
            raise error
    return folder, held


def _groups(folder: Path, held: Contents) -> dict[str, str]:
    """Of the table inside the folder, or else of the one beside it. Raises: DatasetError."""
    inside, beside = folder / GROUPS, folder.with_name(f"{folder.name}.{GROUPS}")
    if inside in held.others and inside.resolve().is_relative_to(folder):
        return groups.read(str(inside))
    return groups.read(str(beside)) if beside.is_file() else {}


def _strangers(stated: Mapping[str, str], photos: Sequence[Photo]) -> Iterator[str]:
    """Whom the table names in vain: perhaps in another spelling."""
    if unknown := sorted(stated.keys() - {photo.identity for photo in photos}):
        yield f"{len(unknown)} people whose group is stated have no picture: {some(unknown)}."


def _level(path: tuple[str, ...]) -> int:
    """How many folders are above a picture, less a `face` right above it and below another."""
    folders = path[:-1]
    return len(folders) - (len(folders) > 1 and folders[-1].lower() in FACES)


def _notes(folder: Path, held: Contents, nobodys: int, where: str = "right in") -> Iterator[str]:
    """What of the folder takes no part."""
    if nobodys:
        yield f"{nobodys} pictures {where} {printable(folder.name)} belong to nobody."
    if held.refused:
        links = (
            f"{printable(path.relative_to(folder).as_posix())} ({why})"
            for path, why in held.refused.items()
        )
        yield f"{len(held.refused)} links were not followed: {some(list(links))}."
    if others := len([path for path in held.others if path != folder / GROUPS]):
        yield f"{others} other files are no pictures, or hidden."
