"""The photos to protect, and where the copy of each goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from lowkey_core.errors import DatasetError, OptionError, setting
from lowkey_core.photos.decoding import SUFFIXES
from lowkey_core.photos.folders import walk
from lowkey_core.photos.photo import Photo
from lowkey_core.work.files import explained


def sources(paths: Sequence[Path], out: Path, suffix: str) -> list[tuple[Photo, str]]:
    """Every picture in files and folders, each with the path of its copy below `out`.

    A folder's tree is mirrored; hidden files, links to folders and `out` itself are passed over.
    The copy of `a/b.jpg` is `a/b` + suffix; where that would name two copies, `a/b.jpg` + suffix.
    Raises: OptionError, DatasetError.
    """
    photos = [photo for path in paths for photo in _photos(path, out)]
    if not photos:
        raise DatasetError(
            f"no pictures in {', '.join(map(str, paths))}",
            expected=f"photos with one of {', '.join(sorted(SUFFIXES))}",
            remedy="name photos, or a folder that holds some",
        )
    repeated = [name for name, n in Counter(photo.name for photo in photos).items() if n > 1]
    if repeated:
        raise OptionError(
            f"{repeated[0]} is the name of two photos",
            expected="photos that can lie in one folder",
            remedy=f"run once for each folder, with an {setting('out')} of its own",
        )
    copies = [str(PurePosixPath(photo.name).with_suffix(suffix)) for photo in photos]
    while clashes := {i for i in _clashing(copies) if copies[i] != photos[i].name + suffix}:
        copies = [photos[i].name + suffix if i in clashes else c for i, c in enumerate(copies)]
    return list(zip(photos, copies, strict=True))


def _clashing(names: Sequence[str]) -> list[int]:
    """Positions of names that occur twice; a file system may take two spellings for one name."""
    counts = Counter(name.casefold() for name in names)
    return [i for i, name in enumerate(names) if counts[name.casefold()] > 1]


def _photos(path: Path, out: Path) -> Iterator[Photo]:
    if not path.exists():
        raise OptionError(
            f"{path} does not exist", expected="a photo or a folder", remedy="check the path"
        )
    if not path.is_dir():
        yield Photo("", path.name, path)
        return
    if path.resolve().is_relative_to(out.resolve()):
        raise OptionError(
            f"{setting('out', out)} holds {path}",
            expected="a folder beside the photos, or below them",
            remedy=f"name another folder with {setting('out')}",
        )
    with explained(path):  # of folders below, those that cannot be listed are heard of later
        next(path.iterdir(), None)
    for file in walk(path):
        if not file.resolve().is_relative_to(out.resolve()):
            yield Photo("", file.relative_to(path).as_posix(), file)
