"""A table of pictures: a UTF-8 CSV file with a header and the columns `path` and `identity`.

A column `group` may say which group a person is of: what holds of each is then told apart. Other
columns are passed over. A relative path starts at the table's folder and must stay below it,
links resolved; who writes an absolute path means it, so it may be anywhere. The table decides what
is a picture: suffixes do not matter.
"""

from __future__ import annotations

import os
from pathlib import Path

from lowkey_core.datasets import Dataset
from lowkey_core.errors import DatasetError, setting
from lowkey_core.photos.groups import Groups
from lowkey_core.photos.photo import Photo
from lowkey_core.photos.tables import rows, wrong

_COLUMNS = ("path", "identity")


def build(root: str | None = None) -> Dataset:
    """root: the table. Raises: DatasetError, with the line, unless every row names a file."""
    if root is None:
        raise DatasetError(
            "the data set 'csv' was asked for without a table",
            expected="the path of a CSV file with the columns path and identity",
            remedy=f"give that path itself: {setting('dataset', 'PATH.csv')}",
        )
    folder = Path(os.path.realpath(root)).parent
    photos: dict[Path, tuple[int, Photo]] = {}
    groups = Groups(root)
    for line, (name, person, group) in rows(root, _COLUMNS, "group"):
        identity = person.strip()
        groups.add(identity, group, line)
        path = Path(os.path.realpath(folder / name))
        if not (Path(name).is_absolute() or path.is_relative_to(folder)):
            raise wrong(root, line, f"{name} leaves the table's folder", "a path below it")
        if not os.path.isfile(path):  # noqa: PTH113  is_file() raises on names that are too long
            raise wrong(root, line, f"{name} is not a file", "the path of a picture")
        if path in photos:
            raise wrong(root, line, f"{name} is in line {photos[path][0]} too", "each file once")
        photos[path] = line, Photo(identity, name, path)
    if not photos:
        raise wrong(root, 1, "nothing follows the header", "a row per picture")
    found = tuple(photo for _, photo in photos.values())
    return Dataset(root, found, groups=groups.by_identity)
