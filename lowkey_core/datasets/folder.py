"""A folder of pictures, sorted into people by its sub-folders.

Every picture lies in some folder; if that is called `face` or `faces`, the one above counts. The
level of people is the highest one at which such a folder is found. A picture belongs to the
person whose folder, at that level, it is in or below. So `Name/1.jpg`, `actors/Name/face/1.jpg`,
`lfw/Name/1.jpg`, `train/n000001/1.jpg` and `Name/1.jpg` beside `Name/holiday/2.jpg` are all people
called `Name`. Folders of one name at that level are one person, wherever they are (`train/Name`,
`test/Name`). Pictures right in the root belong to nobody.

A picture is a regular file with one of `pixels.SUFFIXES`, in any case. What starts with a dot is
passed over, and so are symbolic links, wherever they point: nothing outside the folder is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from lowkey_core.datasets import Dataset, printable
from lowkey_core.errors import DatasetError, setting
from lowkey_core.photos.decoding import SUFFIXES
from lowkey_core.photos.folders import FACES
from lowkey_core.photos.photo import Photo
from lowkey_core.work.files import explained


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
    folder = Path(os.path.realpath(root))
    found = sorted(path for path in _pictures(folder) if loose or len(path) > 1)
    level = min((_level(path) for path in found if len(path) > 1), default=1)
    photos = tuple(
        Photo(printable(path[:level][-1]), printable("/".join(path)), folder.joinpath(*path))
        for path in found
    )
    if not photos:
        raise DatasetError(
            f"{root} holds no pictures{'' if loose else ' in sub-folders'}",
            expected=f"{'' if loose else 'PERSON/'}PICTURE in it, no links, with one of "
            + ", ".join(sorted(SUFFIXES)),
            remedy="name another folder"
            if loose
            else "make one sub-folder per person, or name another folder with "
            + setting("dataset"),
        )
    return Dataset(root, photos)


def _level(path: tuple[str, ...]) -> int:
    """How many folders are above a picture, less a `face` right above it and below another."""
    folders = path[:-1]
    return len(folders) - (len(folders) > 1 and folders[-1].lower() in FACES)


def _pictures(root: Path) -> Iterator[tuple[str, ...]]:
    """Each picture's path below `root`. Without recursion, which deep folders would exhaust."""
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        above = waiting.pop()
        folder = root.joinpath(*above)
        with explained(folder), os.scandir(folder) as entries:
            for entry in entries:
                path = (*above, entry.name)
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif Path(entry.name).suffix.lower() in SUFFIXES and entry.is_file(
                    follow_symlinks=False
                ):
                    yield path
