"""IJB-A, IJB-B, IJB-C (Maze et al. 2018), and tables like theirs: `ijb:TABLE.csv:media=FOLDER`.

A UTF-8 CSV file with the columns `SUBJECT_ID`, `FILENAME`, `FACE_X`, `FACE_Y`, `FACE_WIDTH` and
`FACE_HEIGHT`; others, such as TEMPLATE_ID, are passed over: a person's templates are pictures of
one person. A picture is what is in the box, and half a box around it. What several rows say alike
is one picture.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from lowkey_core.datasets import Dataset
from lowkey_core.errors import DatasetError
from lowkey_core.photos.boxed import BoxedPhoto
from lowkey_core.photos.decoding import MAX_SIDE
from lowkey_core.photos.tables import rows, wrong

_BOX = ("face_x", "face_y", "face_width", "face_height")
_NUMBER = re.compile(r"\d{1,5}(\.\d*)?")


def build(root: str, media: str = "") -> Dataset:
    """root: the table. media: the folder that its file names start at; "": the table's.

    Raises: DatasetError, with the line, unless every row names a file below that folder and a box.
    """
    folder = Path(os.path.realpath(media or Path(root).parent))
    photos: dict[str, BoxedPhoto] = {}
    for line, cells in rows(root, ("subject_id", "filename", *_BOX)):
        who, file = cells[0].strip(), cells[1].strip()
        path, box = Path(os.path.realpath(folder / file)), _box(root, line, cells[2:6])
        if not path.is_relative_to(folder):
            raise wrong(root, line, f"{file} leaves {folder}", "a path below it")
        name = f"{file} {','.join(map(str, box))}"
        known = photos.get(name)
        if known is None and not os.path.isfile(path):  # noqa: PTH113  is_file() may raise
            raise wrong(root, line, f"{file} is not a file in {folder}", "the path of a picture")
        if known is not None and known.identity != who:
            got = f"the face at {name} is of {who}, and before of {known.identity}"
            raise wrong(root, line, got, "one person")
        photos[name] = BoxedPhoto(who, name, path, box=box)
    if not photos:
        raise DatasetError(
            f"{root} has no rows", expected="a row per face", remedy="name another table"
        )
    return Dataset(root, tuple(photos.values()))


def _box(root: str, line: int, cells: Sequence[str]) -> tuple[int, int, int, int]:
    """Raises: DatasetError."""
    whole = [round(float(c)) if _NUMBER.fullmatch(c.strip()) else -1 for c in cells]
    left, top, width, height = whole
    if min(left, top) < 0 or min(width, height) < 1 or max(whole) > MAX_SIDE:
        raise wrong(root, line, f"the box is {', '.join(cells)}", "left, top, width and height")
    return left, top, width, height
