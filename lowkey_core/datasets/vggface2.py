"""VGGFace2 (Cao et al. 2018): `vggface2:FOLDER`, folders n000001 and so on, below others or not.

`identity_meta.csv`, in the folder or the one above, says whether a person is male or female: those
are their groups. Without the table there are none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lowkey_core.datasets import Dataset, folder
from lowkey_core.errors import DatasetError, some
from lowkey_core.photos.groups import Groups
from lowkey_core.photos.tables import rows, wrong

META = "identity_meta.csv"
_CLASS = re.compile(r"n\d{6}")
_GENDERS = {"m": "male", "f": "female"}


def build(root: str) -> Dataset:
    """root: the folder. Raises: as `megaface`; DatasetError, with the line, if the table is not as
    it is published."""
    found = folder.below(root, _person, "n000001/PICTURE in it, or train/n000001/PICTURE")
    found = replace(found, called="VGGFace2")
    tables = [path for path in (Path(root) / META, Path(root).parent / META) if path.is_file()]
    if not tables:
        return found
    stated = _genders(str(tables[0]))
    people = {photo.identity for photo in found.photos}
    groups = {who: group for who, group in stated.items() if who in people}
    if not groups:
        raise DatasetError(
            f"{tables[0]} names none of {len(people)} people in {root}",
            expected=f"the table of these people, such as {some(sorted(people), 3)}",
            remedy="put the table of the same release beside the folders, or take it away",
        )
    unnamed = sorted(people - stated.keys())
    note = f"{len(unnamed)} people are not in {META}: {some(unnamed)}."
    return replace(found, groups=groups, notes=(*found.notes, *([note] if unnamed else [])))


def _person(path: tuple[str, ...]) -> str:
    return next((part for part in reversed(path[:-1]) if _CLASS.fullmatch(part)), "")


def _genders(table: str) -> Mapping[str, str]:
    groups = Groups(table)
    for line, (who, gender, _) in rows(table, ("class_id", "gender"), spaced=True):
        if not (_CLASS.fullmatch(who) and gender.strip().lower() in _GENDERS):
            raise wrong(table, line, f"{who!r} is {gender!r}", "n000001 and the like, m or f")
        groups.add(who, _GENDERS[gender.strip().lower()], line)
    return groups.by_identity
