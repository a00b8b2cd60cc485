"""FaceScrub (Ng and Winkler 2014) as its downloaders leave it: `facescrub:FOLDER`.

Faces that were cut out are kept in folders called `face` or `faces`, the photos that they are from
in others: `actors/Ann/face/1.jpg`, `actors/faces/Ann/1.jpg`, `actresses/images/Eve/1.jpg`. A person
is called as the lowest folder that is none of these. Of somebody with photos the cut-out faces
would be the same pictures again: they take no part, unless `faces=on` asks for them alone.
"""

from __future__ import annotations

from dataclasses import replace

from lowkey_core.datasets import Dataset, folder
from lowkey_core.photos.folders import FACES

_PARTS = FACES | {"image", "images", "actor", "actors", "actress", "actresses", "facescrub"}
"""Folders that are nobody's, in lower case."""


def build(root: str, faces: bool = False) -> Dataset:
    """root: the folder. faces: only what was cut out. Raises: as `megaface`."""
    found = folder.below(root, _person, "[actors/]PERSON/PICTURE or [actors/]PERSON/face/PICTURE")
    cut = [_is_cut(photo.name) for photo in found.photos]
    whole = {p.identity for p, c in zip(found.photos, cut, strict=True) if not c}
    photos = tuple(
        photo
        for photo, c in zip(found.photos, cut, strict=True)
        if (c if faces else not c or photo.identity not in whole)
    )
    left = len(found.photos) - len(photos)
    note = f"{left} pictures are {'photos' if faces else 'faces cut out of photos'}: left out."
    notes = (*found.notes, *([note] if left else []))
    return replace(found, photos=photos, called="FaceScrub", notes=notes)


def _person(path: tuple[str, ...]) -> str:
    return next((part for part in reversed(path[:-1]) if part.lower() not in _PARTS), "")


def _is_cut(name: str) -> bool:
    return any(part.lower() in FACES for part in name.split("/")[:-1])
