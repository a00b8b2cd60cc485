"""Which file is the cloaked copy of which photo."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from lowkey_core.errors import DatasetError, setting
from lowkey_core.photos.folders import FACES, PREVIEWS, contents
from lowkey_core.photos.photo import Photo
from lowkey_core.work.files import real

_MARK = re.compile(r"(_(low|mid|high))?_cloaked$|_attacked$")
"""What Fawkes and LowKey put behind a name."""


@dataclass(frozen=True)
class Copies:
    """A folder of cloaked copies, matched to photos by name.

    A copy has its photo's name, or that and a mark (`_cloaked` of Fawkes, `_attacked` of LowKey),
    and any suffix. A copy in a folder is of a photo in a folder called the same; one that lies
    loose is of the only photo of its name. Of several copies of one photo the one whose folders
    are most alike counts, then the marked one; what is still undecided counts as no copy.
    """

    root: Path

    def match(self, photos: Iterable[Photo]) -> dict[str, Path]:
        """The copies of a data set's photos, by the photo's name. No file is the copy of two.

        photos: all of them, as one name may stand for several. Raises: DatasetError.
        """
        photos, files = tuple(photos), self._by_stem
        themselves = {real(photo.path) for photo in photos}
        alone = Counter(_stem(photo) for photo in photos)
        matched: dict[str, Path] = {}
        for photo in photos:
            ranked = sorted(
                (
                    (alike, is_marked(file), file)
                    for stem in dict.fromkeys((_stem(photo), PurePosixPath(photo.name).name))
                    for folders, file in files.get(stem, ())
                    if real(file) not in themselves
                    if (alike := _alike(_folders(photo), folders)) or not folders
                    if folders or alone[_stem(photo)] == 1
                ),
                reverse=True,
            )
            if len(ranked) == 1 or (ranked and ranked[0][:2] > ranked[1][:2]):
                matched[photo.name] = ranked[0][2]
        claims = Counter(matched.values())
        return {name: file for name, file in matched.items() if claims[file] == 1}

    @cached_property
    def _by_stem(self) -> dict[str, list[tuple[Sequence[str], Path]]]:
        """By what the photo's stem would be: folders below the root, and the file itself."""
        if not self.root.is_dir():
            raise DatasetError(
                f"{self.root} is not a folder",
                expected="the folder of cloaked copies",
                remedy=f"correct {setting('cloaked')}",
            )
        root, files = real(self.root), defaultdict(list)
        for file in contents(root).pictures:
            folders = file.relative_to(root).parent.parts
            if file.suffix and folders[:1] != (PREVIEWS,):
                files[_MARK.sub("", file.stem)].append((_plain(folders), file))
        return files

    def originals(self, photos: Iterable[Photo]) -> tuple[Photo, ...]:
        """Those of a data set's photos that are not themselves copies: tools write them beside
        the photos, or into a folder below."""
        photos, root = tuple(photos), real(self.root)
        inside = {p.name for p in photos if real(p.path).is_relative_to(root)}
        below = len(inside) < len(photos)
        return tuple(p for p in photos if p.name not in inside or not (below or is_marked(p.path)))


def is_marked(path: Path) -> bool:
    """Whether a file's name says that it is a cloaked copy."""
    return bool(_MARK.search(path.stem))


def _stem(photo: Photo) -> str:
    return _MARK.sub("", PurePosixPath(photo.name).stem)


def _folders(photo: Photo) -> Sequence[str]:
    """What the photo lies in, or else whom it shows."""
    return _plain(PurePosixPath(photo.name).parent.parts) or (photo.identity,)


def _plain(folders: Sequence[str]) -> Sequence[str]:
    return tuple(f for f in folders if f.lower() not in FACES)


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many folders, counted from the file upwards, are called the same."""
    same = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        same += 1
    return same
