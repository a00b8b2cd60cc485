"""CelebA (Liu et al. 2015): `celeba:FOLDER`, with `identity_CelebA.txt` beside the pictures'
folder, `img_align_celeba` or, of the photos as they were found, `img_celeba`.

The table has a line for each picture: its name, a space, and the number of its person.
"""

from __future__ import annotations

import re
from pathlib import Path

from lowkey_core.datasets import Dataset
from lowkey_core.errors import DatasetError, some
from lowkey_core.photos.photo import Photo
from lowkey_core.photos.tables import text, wrong

TABLE, FOLDERS = "identity_CelebA.txt", ("img_align_celeba", "img_celeba")
_LINE = re.compile(r"(\d{1,9}\.(?:jpg|png)) +(\d{1,9})\s*")


def build(root: str) -> Dataset:
    """root: the folder. Raises: DatasetError, with the line, if the table is not as it is published
    or none of its pictures is there."""
    folder = Path(root)
    places = [folder / name / inner for name in FOLDERS for inner in (name, ".")]
    place = next((path for path in places if path.is_dir()), None)
    if place is None or not (folder / TABLE).is_file():
        raise DatasetError(
            f"{root} is without {'a folder of pictures' if place is None else TABLE}",
            expected=f"{TABLE} beside {' or '.join(FOLDERS)}",
            remedy="put both into one folder, and name that",
        )
    table, photos, lost = str(folder / TABLE), dict[str, Photo](), list[str]()
    real = place.resolve()  # a link may not lead out of it
    there = {p.name for p in place.iterdir() if p.is_file() and p.resolve().parent == real}
    for line, said in enumerate(text(table).splitlines(), 1):
        known = _LINE.fullmatch(said)
        if known is None:
            raise wrong(table, line, f"a line is {said[:80]!r}", "as 000001.jpg 2880")
        name, who = known.groups()
        if name in photos or name in lost:
            raise wrong(table, line, f"{name} is there twice", "each picture once")
        if name in there:
            photos[name] = Photo(who, name, place / name)
        else:
            lost.append(name)
    if not photos:
        raise DatasetError(
            f"none of {len(lost)} pictures that {table} names is in {place}",
            expected="the pictures of the same release",
            remedy="unpack the pictures there",
        )
    notes = [f"{len(lost)} pictures of the table are not there: {some(lost)}."] if lost else []
    return Dataset(root, tuple(photos.values()), called="CelebA", notes=tuple(notes))
