"""A folder with one sub-folder per identity."""

from __future__ import annotations

from pathlib import Path

from lowkey_core.checks import DatasetError
from lowkey_core.datasets import Dataset, Photo
from lowkey_core.files import explained

SUFFIXES = (".jpg", ".jpeg", ".png")


def build(root: str | None = None) -> Dataset:
    """root: the folder. Raises: DatasetError if it holds no picture, StorageError."""
    if root is None:
        raise DatasetError(
            "the data set 'folder' was asked for without a folder",
            expected="the path of a folder with one sub-folder per person",
            remedy="give that path itself: --dataset PATH",
        )
    folder = Path(root)
    with explained():  # glob() would pass over what may not be read
        people = [path for path in folder.iterdir() if path.is_dir()]
        files = sorted(path for person in people for path in person.iterdir())
    photos = tuple(
        Photo(path.parent.name, path.relative_to(folder).as_posix(), path)
        for path in files
        if path.suffix.lower() in SUFFIXES
    )
    if not photos:
        raise DatasetError(
            f"{folder} holds no pictures in sub-folders",
            expected=f"{folder}/PERSON/PICTURE with one of {', '.join(SUFFIXES)}",
            remedy="make one sub-folder per person, or name another folder with --dataset",
        )
    return Dataset(str(folder), photos)
