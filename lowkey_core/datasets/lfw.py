"""Labeled Faces in the Wild (Huang et al. 2007), from the tars in CLOAK_ASSETS.

Ours are of the deep-funneled version; `datasets fetch lfw` gets the funneled one.
"""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

from lowkey_core.datasets import Dataset, kept_out, unique_names
from lowkey_core.errors import DatasetError, setting
from lowkey_core.photos.photo import Photo
from lowkey_core.weights import ASSETS_VARIABLE, assets


def build(unseen: bool = False) -> Dataset:
    """Photos are read in place: nothing is unpacked.

    unseen: only the people whom no network of this project learned from. Of the others none learned
    from LFW, as far as their cards say. Raises: DatasetError.
    """
    found = tars()
    if not found:
        raise DatasetError(
            f"no lfw-*.tar in {assets()}",
            expected="LFW as tars of lfw/Identity_Name/Identity_Name_0001.jpg",
            remedy=f"set {ASSETS_VARIABLE} to the folder that holds them, `datasets fetch lfw`, "
            f"or name a folder of your own with {setting('dataset', 'FOLDER')}",
        )
    try:
        photos = unique_names(photo for tar in found for photo in _photos(tar))
    except tarfile.TarError as error:
        raise DatasetError(
            f"a tar in {assets()} is damaged ({error})",
            expected="whole, uncompressed tars",
            remedy="compare their SHA-256 with their source's",
        ) from error
    everybody = Dataset("lfw", photos, called="LFW")
    if not unseen:
        return everybody
    out = kept_out(everybody)
    return replace(
        everybody, name="lfw:unseen", photos=tuple(p for p in photos if p.identity in out)
    )


def tars() -> list[Path]:
    """Those that are at hand."""
    return sorted(assets().glob("lfw-*.tar"))


def _photos(tar: Path) -> list[Photo]:
    with tarfile.open(tar, "r:") as archive:  # "r:" as only an uncompressed tar has offsets
        return [
            Photo(folder, file, tar, member.offset_data, member.size)
            for member in archive
            if member.isfile() and member.name.endswith(".jpg")
            for *_, folder, file in [("", *member.name.split("/"))]
        ]
