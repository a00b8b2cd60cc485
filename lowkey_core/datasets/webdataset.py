"""WebDataset shards: `webdataset:FOLDER` of tars, or `webdataset:ONE.tar`.

Members that are called alike up to the first dot of their file's name are a sample: a picture
(`.jpg`, ...), and whom it shows: a `.cls` file, which is text, or the field `identity`, `label` or
`cls` of a `.json` file. With `labels=off` each picture is of a person of its own. Pictures are read
where they are: nothing is unpacked, and a member's name is a name and no path.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lowkey_core.datasets import Dataset, printable
from lowkey_core.errors import DatasetError, some
from lowkey_core.photos.formats import claims
from lowkey_core.photos.photo import Photo
from lowkey_core.work.files import explained, open_regular

FIELDS = ("identity", "label", "cls")
LARGEST = 2**16
"""Bytes of a label's file."""
LONGEST = 200
"""Characters of a label."""
_KINDS = ("cls", "json")


@dataclass
class Sample:
    """Members of one key."""

    pictures: list[Photo] = field(default_factory=list)
    """Not yet anybody's."""
    label: str = ""


def build(root: str, labels: bool = True) -> Dataset:
    """root: the folder or the tar. labels: off: each picture is of a person of its own.

    Raises: DatasetError, with the shard and what is wrong with it; StorageError.
    """
    place = Path(root)
    with explained(place):
        shards = sorted(place.glob("*.tar")) if place.is_dir() else [place]
    photos, nobodys = list[Photo](), list[str]()
    for shard in shards:
        for sample in _samples(shard, labels=labels).values():
            for photo in sample.pictures:
                who = sample.label if labels else photo.name
                if who:
                    photos.append(Photo(who, photo.name, shard, photo.offset, photo.size))
                else:
                    nobodys.append(photo.name)
    if not photos:
        raise DatasetError(
            f"{root}: {len(shards)} shards with {len(nobodys)} pictures, and none of anybody",
            expected="tars of KEY.jpg beside KEY.cls, or KEY.json with "
            + " or ".join(map(repr, FIELDS)),
            remedy="name another folder, or say labels=off if there are no labels",
        )
    note = f"{len(nobodys)} pictures have no label, and belong to nobody: {some(nobodys)}."
    return Dataset(root, tuple(photos), notes=(note,) if nobodys else ())


def _samples(shard: Path, *, labels: bool) -> dict[str, Sample]:
    """By key. Raises: DatasetError."""
    found, names = dict[str, Sample](), set[str]()
    try:
        with explained(shard):
            size = shard.stat().st_size
            with (
                open_regular(shard) as file,
                tarfile.open(fileobj=file, mode="r:") as archive,  # uncompressed: it has offsets
            ):
                for member in _files(archive, shard):
                    name = printable(member.name)
                    if name in names:
                        raise _wrong(shard, f"two members are called {name[:LONGEST]}")
                    if member.offset_data + member.size > size:
                        raise _wrong(shard, f"{name[:LONGEST]} ends behind the end of the file")
                    names.add(name)
                    _add(found, archive, shard, member, labels=labels)
    except (tarfile.TarError, RecursionError, ValueError, OverflowError) as error:
        raise _wrong(shard, str(error) or type(error).__name__) from error
    return found


def _files(archive: tarfile.TarFile, shard: Path) -> Iterator[tarfile.TarInfo]:
    """Members that hold bytes of their own; folders are passed over. Raises: DatasetError."""
    for member in archive:
        archive.members = []  # type: ignore[attr-defined]  # tarfile keeps every one
        if member.isdir():
            continue
        if not member.isreg() or member.issparse():
            raise _wrong(shard, f"{printable(member.name)[:LONGEST]} is a link, a device or sparse")
        yield member


def _add(
    found: dict[str, Sample],
    archive: tarfile.TarFile,
    shard: Path,
    member: tarfile.TarInfo,
    *,
    labels: bool,
) -> None:
    folder, _, file = member.name.rpartition("/")
    key, _, kind = file.partition(".")
    sample = found.setdefault(f"{folder}/{key}", Sample())
    if claims(file):
        name = f"{shard.name}/{printable(member.name)}"
        sample.pictures.append(Photo("", name, shard, member.offset_data, member.size))
    elif labels and kind.lower() in _KINDS and not (sample.label and kind.lower() == "json"):
        said = _label(archive, shard, member)
        sample.label = said or sample.label


def _label(archive: tarfile.TarFile, shard: Path, member: tarfile.TarInfo) -> str:
    """Whom a sample shows; "" if its JSON does not say. Raises: DatasetError."""
    name = printable(member.name)[:LONGEST]
    if member.size > LARGEST:
        raise _wrong(shard, f"{name} has {member.size:,} bytes, more than {LARGEST:,}")
    file = archive.extractfile(member)
    assert file is not None, "it is a regular file"
    try:
        text = file.read().decode("utf-8")
        said = _said(json.loads(text)) if name.lower().endswith("json") else text.strip()
    except (ValueError, RecursionError) as error:
        raise _wrong(shard, f"{name} is no label ({error})") from error
    if len(said) > LONGEST or not said.isprintable():
        raise _wrong(shard, f"{name} says {said[:80]!r}, which is no name")
    return said


def _said(written: object) -> str:
    known = written if isinstance(written, dict) else {}
    values = (known.get(each) for each in FIELDS)
    return next((str(v).strip() for v in values if isinstance(v, str | int) and v != ""), "")


def _wrong(shard: Path, why: str) -> DatasetError:
    return DatasetError(
        f"{shard} cannot be read ({why})",
        expected="an uncompressed tar of pictures and their labels",
        remedy="write the shard again, or leave it out",
    )
