"""A table of pictures: a UTF-8 CSV file with a header and the columns `path` and `identity`.

Other columns are passed over. A relative path starts at the table's folder and must stay below it,
links resolved; who writes an absolute path means it, so it may be anywhere. The table decides what
is a picture: suffixes do not matter.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

from lowkey_core.datasets import Dataset
from lowkey_core.errors import DatasetError, setting
from lowkey_core.photos.photo import Photo

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
    for line, name, identity in _rows(root):
        path = Path(os.path.realpath(folder / name))
        if not (Path(name).is_absolute() or path.is_relative_to(folder)):
            raise _wrong(root, line, f"{name} leaves the table's folder", "a path below it")
        if not os.path.isfile(path):  # noqa: PTH113  is_file() raises on names that are too long
            raise _wrong(root, line, f"{name} is not a file", "the path of a picture")
        if path in photos:
            raise _wrong(root, line, f"{name} is in line {photos[path][0]} too", "each file once")
        photos[path] = line, Photo(identity, name, path)
    if not photos:
        raise _wrong(root, 1, "nothing follows the header", "a row per picture")
    return Dataset(root, tuple(photo for _, photo in photos.values()))


def _rows(root: str) -> Iterator[tuple[int, str, str]]:
    """Line, path and identity of each row that is not empty."""
    reader = csv.reader(io.StringIO(_text(root), newline=""), strict=True)
    try:
        header = [column.strip().lower() for column in next(reader, [])]
        if any(header.count(column) != 1 for column in _COLUMNS):
            got = f"the header is {','.join(header)!r}"
            raise _wrong(root, 1, got, "path,identity, separated by commas")
        where = [header.index(column) for column in _COLUMNS]
        for row in filter(None, reader):
            name, identity = (row[i] if i < len(row) else "" for i in where)
            if not (name.strip() and identity.strip() and "\0" not in name):
                raise _wrong(root, reader.line_num, f"a row is {row}", "a path and an identity")
            yield reader.line_num, name, identity.strip()
    except csv.Error as error:
        raise _wrong(root, reader.line_num, str(error), "CSV as in RFC 4180") from error


def _text(root: str) -> str:
    try:
        content = Path(root).read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _wrong(root, line, f"it holds {error.object[error.start]:#x}", "UTF-8") from error
    except OSError as error:
        raise DatasetError(
            f"{root} cannot be read ({error.strerror})",
            expected="a CSV file you may read",
            remedy="check its path and permissions",
        ) from error


def _wrong(root: str, line: int, got: str, expected: str) -> DatasetError:
    return DatasetError(
        f"{root}, line {line}: {got[:200]}", expected=expected, remedy="correct it and try again"
    )
