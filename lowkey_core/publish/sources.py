"""The photos to protect, where the copy of each goes, and what is not copied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lowkey_core.errors import DatasetError, OptionError, setting
from lowkey_core.photos.folders import contents
from lowkey_core.photos.formats import SUFFIXES
from lowkey_core.photos.photo import Photo
from lowkey_core.photos.protected import Outcome
from lowkey_core.work.files import explained, real


@dataclass(frozen=True)
class Sources:
    """What was found in the files and folders that were named."""

    photos: list[Photo] = field(default_factory=list)
    """Every picture, and every file that claims to be one."""
    refused: list[Outcome] = field(default_factory=list)
    """Links that are not followed, and folders that cannot be listed."""
    others: list[Outcome] = field(default_factory=list)
    """Files that are no pictures, or hidden."""


def sources(paths: Sequence[Path], out: Path) -> Sources:
    """Every file in files and folders, but for `out` itself. A folder's tree is mirrored by names.

    Raises: OptionError, DatasetError.
    """
    found = Sources()
    for path in paths:
        _add(path, real(out), found)
    if not found.photos and not found.refused:
        raise DatasetError(
            f"no pictures in {', '.join(map(str, paths))}",
            expected=f"photos with one of {', '.join(sorted(SUFFIXES))}",
            remedy="name photos, or a folder that holds some",
        )
    repeated = [name for name, n in Counter(p.name for p in found.photos).items() if n > 1]
    if repeated:
        raise OptionError(
            f"{repeated[0]} is the name of two photos",
            expected="photos that can lie in one folder",
            remedy=f"run once for each folder, with an {setting('out')} of its own",
        )
    return found


def named(photos: Sequence[Photo], suffix: Callable[[Photo], str]) -> list[tuple[Photo, str]]:
    """Each photo with the path of its copy below the output folder.

    The copy of `a/b.jpg` is `a/b` + suffix; where that would name two copies, `a/b.jpg` + suffix.
    """
    suffixes = [suffix(photo) for photo in photos]
    whole = [photo.name + end for photo, end in zip(photos, suffixes, strict=True)]
    copies = [
        str(PurePosixPath(photo.name).with_suffix(end))
        for photo, end in zip(photos, suffixes, strict=True)
    ]
    while clashes := {i for i in _clashing(copies) if copies[i] != whole[i]}:
        copies = [whole[i] if i in clashes else copy for i, copy in enumerate(copies)]
    return list(zip(photos, copies, strict=True))


def _clashing(names: Sequence[str]) -> list[int]:
    """Positions of names that occur twice; a file system may take two spellings for one name."""
    counts = Counter(name.casefold() for name in names)
    return [i for i, name in enumerate(names) if counts[name.casefold()] > 1]


def _add(path: Path, out: Path, found: Sources) -> None:
    if not path.exists():
        raise OptionError(
            f"{path} does not exist", expected="a photo or a folder", remedy="check the path"
        )
    if not path.is_dir():
        found.photos.append(Photo("", path.name, path))
        return
    if real(path).is_relative_to(out):
        raise OptionError(
            f"{setting('out', out)} holds {path}",
            expected="a folder beside the photos, or below them",
            remedy=f"name another folder with {setting('out')}",
        )
    with explained(path):  # of folders below, those that cannot be listed are heard of
        next(path.iterdir(), None)

    def kept(file: Path) -> bool:
        return not real(file).is_relative_to(out)

    def name(file: Path) -> str:
        return file.relative_to(path).as_posix()

    held = contents(path)
    found.photos.extend(Photo("", name(file), file) for file in held.pictures if kept(file))
    for file, why in held.refused.items():
        found.refused.append(Outcome(name(file), "not followed", why))
    for error in held.closed:
        folder = Path(error.filename)
        found.refused.append(Outcome(name(folder), "unreadable", error.strerror or str(error)))
    found.others.extend(Outcome(name(f), "no picture") for f in held.others if kept(f))
