"""Which file is the cloaked copy of which photo: by the ledger of `protect`, else by name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from lowkey_core.errors import DatasetError, StorageError, setting
from lowkey_core.photos.folders import FACES, PREVIEWS, contents, head
from lowkey_core.photos.formats import kind_of
from lowkey_core.photos.names import is_marked, stems
from lowkey_core.photos.photo import Photo
from lowkey_core.photos.protected import digest_or_none, read, source_of
from lowkey_core.work.files import real


@dataclass(frozen=True)
class Matches:
    """Which copies belong to which photos, and what belongs to nothing."""

    files: dict[str, Path] = field(default_factory=dict)
    """The copies, by the photo's name. No file is the copy of two photos."""
    how: dict[str, str] = field(default_factory=dict)
    """`ledger`, `name` or `face`, by the photo's name."""
    missing: dict[str, str] = field(default_factory=dict)
    """Photos without a copy, and why."""
    strays: dict[Path, str] = field(default_factory=dict)
    """Files that are the copy of no photo, and why."""
    notes: tuple[str, ...] = ()
    """What was chosen where there was a choice."""

    def joined(self, files: dict[str, Path], how: str) -> Matches:
        """With more copies, found in another way."""
        new = set(files.values())
        return replace(
            self,
            files={**self.files, **files},
            how={**self.how, **dict.fromkeys(files, how)},
            missing={name: why for name, why in self.missing.items() if name not in files},
            strays={file: why for file, why in self.strays.items() if file not in new},
        )


@dataclass(frozen=True)
class _Copy:
    """A file below the folder of copies."""

    path: Path
    folders: Sequence[str]
    rank: int
    """2 if a cloaking tool's mark came off its name before it was a photo's, 1 if nothing did."""


@dataclass(frozen=True)
class Copies:
    """A folder of cloaked copies, matched to photos.

    Where `protect` wrote the folder, its ledger says whose each file is, for as long as photo and
    copy are what they were. Any other copy has its photo's name, or that and marks (`names`), and
    any suffix. A copy in a folder is of a photo in a folder called the same; one that lies loose is
    of the only photo of its name. Of several copies of one photo the one whose folders are most
    alike counts, then the marked one; of files that differ in format alone the one in `kind`, else
    the newer; what is still undecided counts as no copy.
    """

    root: Path
    kind: str = ""
    """PNG, JPEG, ...: the format that is taken where a copy is there in several."""

    def match(self, photos: Iterable[Photo]) -> Matches:
        """photos: all of a data set, as one name may stand for several. Raises: DatasetError."""
        photos = tuple(photos)
        themselves = {real(photo.path) for photo in photos}
        paths = [path for path in self._paths if real(path) not in themselves]
        ours = self._by_ledger(photos, set(paths))
        taken = set(ours.values())
        named = self._by_name(
            [p for p in photos if p.name not in ours], [p for p in paths if p not in taken]
        )
        return named.joined(ours, "ledger")

    @cached_property
    def _paths(self) -> list[Path]:
        """The pictures in the folder, without previews."""
        if not self.root.is_dir():
            raise DatasetError(
                f"{self.root} is not a folder",
                expected="the folder of cloaked copies",
                remedy=f"correct {setting('cloaked')}",
            )
        root = real(self.root)
        return [
            path
            for path in contents(root).pictures
            if path.suffix and path.relative_to(root).parts[0] != PREVIEWS
        ]

    def _by_ledger(self, photos: Sequence[Photo], paths: set[Path]) -> dict[str, Path]:
        """The copies that are whole, of photos that are what they were, by the photo's name."""
        root = real(self.root)
        try:
            lines = [line for line in read(root) if root / line.copy in paths]
        except StorageError:  # somebody else's file
            lines = []
        of = defaultdict[str, dict[str, Path]](dict)
        for line in lines:
            path = root / line.copy
            if line.files.get(line.copy) == digest_or_none(Photo("", line.copy, path)):
                of[line.photo][line.source] = path
        if not of:
            return {}
        found: dict[str, Path] = {}
        shown = {photo.name: digest_or_none(photo) or "" for photo in photos}
        for photo in photos:  # each its own first, of photos that are the same
            own = of[shown[photo.name]]
            if (source := source_of(photo)) in own:
                found[photo.name] = own.pop(source)
        for photo in photos:
            if photo.name not in found and (left := of[shown[photo.name]]):
                found[photo.name] = left.pop(next(iter(left)))
        return found

    def _by_name(self, photos: Sequence[Photo], paths: Sequence[Path]) -> Matches:
        keys = {p.name: dict.fromkeys((_stem(p), PurePosixPath(p.name).name)) for p in photos}
        known = {key for own in keys.values() for key in own}
        files, root = defaultdict[str, list[_Copy]](list), real(self.root)
        for path in paths:
            key = next((stem for stem in stems(path.stem) if stem in known), None)
            if key is not None:
                folders = _plain(path.relative_to(root).parent.parts)
                rank = 2 if is_marked(path.stem) else int(key == path.stem)
                files[key].append(_Copy(path, folders, rank))
        alone = Counter(map(_stem, photos))
        found, missing, notes = dict[str, Path](), dict[str, str](), list[str]()
        for photo in photos:
            own = [
                (alike, copy)
                for key in keys[photo.name]
                for copy in files.get(key, ())
                if (alike := _alike(_folders(photo), copy.folders)) or not copy.folders
                if copy.folders or alone[_stem(photo)] == 1
            ]
            first = max(((alike, copy.rank) for alike, copy in own), default=None)
            best = [copy.path for alike, copy in own if (alike, copy.rank) == first]
            chosen, note = self._chosen(best)
            if chosen is None:
                missing[photo.name] = note or "no file of its name"
            else:
                found[photo.name] = chosen
                notes += [f"{photo.name}: {note}"] if note else []
        claims = Counter(found.values())
        for name in [name for name, path in found.items() if claims[path] > 1]:
            missing[name] = f"{self._called(found.pop(name))} may be another photo's as well"
        taken = set(found.values())
        strays = {
            path: "another file is taken for its photo, or several photos have its name"
            if any(stem in known for stem in stems(path.stem))
            else "no photo of its name"
            for path in paths
            if path not in taken
        }
        return Matches(found, dict.fromkeys(found, "name"), missing, strays, tuple(notes))

    def _chosen(self, best: Sequence[Path]) -> tuple[Path | None, str]:
        """One of several copies that may be meant, and why that one; or none, and why not."""
        if len(best) < 2:
            return next(iter(best), None), ""
        named = ", ".join(map(self._called, best))
        if len({path.with_suffix("") for path in best}) > 1:
            return None, f"several copies: {named}"
        asked = [path for path in best if self.kind and kind_of(head(path)) == self.kind]
        if len(asked) == 1:
            return asked[0], f"of {named} the {self.kind} file was taken"
        newest = sorted(best, key=_written)[-2:]
        if _written(newest[0]) == _written(newest[1]):
            return None, f"several copies of one age: {named}"
        return newest[1], f"of {named} the newer was taken, {self._called(newest[1])}"

    def _called(self, path: Path) -> str:
        return path.relative_to(real(self.root)).as_posix()

    def near(self, path: Path, photos: Iterable[Photo]) -> list[Photo]:
        """Those of the photos that lie in folders called as the copy's are; all of a loose one."""
        folders = _plain(path.relative_to(real(self.root)).parent.parts)
        return [p for p in photos if not folders or _alike(_folders(p), folders)]

    def originals(self, photos: Iterable[Photo]) -> tuple[Photo, ...]:
        """Those of a data set's photos that are not themselves copies: tools write them beside
        the photos, or into a folder below."""
        photos, root = tuple(photos), real(self.root)
        inside = {p.name for p in photos if real(p.path).is_relative_to(root)}
        below = len(inside) < len(photos)
        return tuple(
            p for p in photos if p.name not in inside or not (below or is_marked(p.path.stem))
        )


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns


def _stem(photo: Photo) -> str:
    return PurePosixPath(photo.name).stem


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
