"""Photos and their cloaked copies: where a copy goes, and which file is the copy of what."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from lowkey_core.checks import DatasetError, OptionError
from lowkey_core.datasets import Photo
from lowkey_core.pixels import SUFFIXES

_MARK = re.compile(r"(_(low|mid|high))?_cloaked$|_attacked$")
"""What Fawkes and LowKey put behind a name."""


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
            remedy="run once for each folder, with an --out of its own",
        )
    short = [str(PurePosixPath(photo.name).with_suffix(suffix)) for photo in photos]
    # A file system may take two spellings for one name.
    taken = Counter(name.casefold() for name in short)
    return [
        (photo, name if taken[name.casefold()] == 1 else photo.name + suffix)
        for photo, name in zip(photos, short, strict=True)
    ]


def _photos(path: Path, out: Path) -> Iterator[Photo]:
    if not path.exists():
        raise OptionError(
            f"{path} does not exist", expected="a photo or a folder", remedy="check the path"
        )
    if not path.is_dir():
        yield Photo("", path.name, path)
        return
    if path.resolve() == out.resolve():
        raise OptionError(
            f"--out is {path} itself",
            expected="a folder that holds none of the photos",
            remedy="name another folder with --out",
        )
    for file in _walk(path):
        if not file.resolve().is_relative_to(out.resolve()):
            yield Photo("", file.relative_to(path).as_posix(), file)


def _walk(root: Path) -> Iterator[Path]:
    """Pictures below `root`, and folders that cannot be listed, so that they are heard of."""
    closed: list[Path] = []
    for folder, folders, files in os.walk(root, onerror=lambda e: closed.append(Path(e.filename))):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(folder, name)
    yield from closed


@dataclass(frozen=True)
class Copies:
    """A folder of cloaked copies, matched to photos by name.

    A copy has its photo's name, or that and a mark (`_cloaked` of Fawkes, `_attacked` of LowKey),
    and any suffix. Of several such files the one whose folders are most alike counts, then the
    marked one; if that does not decide, none does.
    """

    root: Path

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        if not self.root.is_dir():
            raise DatasetError(
                f"{self.root} is not a folder",
                expected="the folder of cloaked copies",
                remedy="correct --cloaked",
            )
        files: dict[str, list[Path]] = {}
        for file in _walk(self.root):
            if file.suffix:
                files.setdefault(_MARK.sub("", file.stem), []).append(file)
        return files

    def find(self, photo: Photo) -> Path | None:
        """The copy of a photo, or None."""
        name = PurePosixPath(photo.name)
        parents = name.parent.parts or (photo.identity,)
        candidates = [
            (_alike(parents, file.relative_to(self.root).parent.parts), is_marked(file), file)
            for stem in dict.fromkeys((_MARK.sub("", name.stem), name.name))
            for file in self._by_stem.get(stem, ())
            if file != photo.path
        ]
        ranked = sorted(candidates, key=lambda c: c[:2], reverse=True)
        if not ranked or (len(ranked) > 1 and ranked[0][:2] == ranked[1][:2]):
            return None
        return ranked[0][2]

    def originals(self, photos: Iterable[Photo]) -> tuple[Photo, ...]:
        """Those of a data set's photos that are not themselves copies: tools write them beside
        the photos, or into a folder below."""
        kept, root = [], self.root.resolve()
        for photo in photos:
            inside = photo.path.resolve().is_relative_to(root)
            kept.append((photo, inside, inside and is_marked(photo.path)))
        below = any(not inside for _, inside, _ in kept)
        return tuple(p for p, inside, marked in kept if not (marked or (inside and below)))


def is_marked(path: Path) -> bool:
    """Whether a file's name says that it is a cloaked copy."""
    return bool(_MARK.search(path.stem))


def _alike(parents: Sequence[str], folders: Sequence[str]) -> int:
    """How many folders, counted from the file upwards, are called the same."""
    same = 0
    for mine, theirs in zip(reversed(parents), reversed(folders), strict=False):
        if mine != theirs:
            break
        same += 1
    return same
