"""Somebody else's cloaked pictures, taken from a folder instead of made here: `folder:DIR`.

Which file is the copy of which photo is told by the ledger of `protect`, else by names, else by
faces. A photo without a copy is published as it is: it counts as uncloaked. A copy of its photo's
size is aligned as the photo was, so that the two faces differ by the cloak alone; any other by its
own landmarks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Generator

from lowkey_core.cloaks import CloakAbout
from lowkey_core.errors import OptionError, UnreadableImageError, setting
from lowkey_core.faces.detection import cut, detect
from lowkey_core.faces.found import NOTHING, content_of, frames_in, holds_frames, kept
from lowkey_core.faces.frames import Frame
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.faces.same_photo import LIKENESS, by_face, correlation
from lowkey_core.photos.copies import Copies, Matches
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.formats import SIGNATURES
from lowkey_core.photos.photo import Photo
from lowkey_core.photos.protected import copies_among
from lowkey_core.types import ARCFACE, Picture, Pictures, Pixels
from lowkey_core.work.files import real
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work


def build(work: Work, root: str = "", kind: str = "") -> FoundCopies:
    """root: the folder of cloaked copies. kind: png, jpeg, ...: the format that is taken where a
    copy is there in several. work: where what was read is kept.

    Raises: OptionError without a folder.
    """
    if kind and kind.upper() not in SIGNATURES:
        raise OptionError(
            f"kind is {kind!r}",
            expected="one of " + ", ".join(SIGNATURES).lower(),
            remedy="name the format of the copies that are meant",
        )
    if not root:
        raise OptionError(
            "the attack 'folder' was asked for without a folder",
            expected="the folder of cloaked copies, as folder:DIR",
            remedy=f"name it with {setting('cloaked', 'DIR')}",
        )
    return FoundCopies(root, work, kind.upper())


ALIKE = 0.5
"""Correlation of a copy's face with its photo's from which they are taken for one picture. A copy
that was turned otherwise is far below, and would pass for perfectly cloaked."""


class FoundCopies:
    """Gives every picture its copy: a `ThirdPartyCloak`."""

    about = CloakAbout(against=None)

    def __init__(self, root: str, work: Work, kind: str = "") -> None:
        self.root, self.work, self.kind = root, work, kind
        self.matches = Matches()
        self.found: Mapping[str, PhotoPicture] | None = None
        self.missing: tuple[str, ...] = ()
        self.unusable: tuple[str, ...] = ()
        self.unchanged: tuple[str, ...] = ()
        self.again: tuple[str, ...] = ()

    @property
    def copies(self) -> Mapping[str, Path]:
        """By the photo's name."""
        return self.matches.files

    def originals(self, photos: Iterable[Photo]) -> tuple[Photo, ...]:
        """The photos that are not copies; which file is whose is known from here on.

        Raises: DatasetError if the folder is none.
        """
        folder = Copies(Path(self.root), self.kind)
        kept = folder.originals(photos)
        self.matches = _with_faces(folder, folder.match(kept), kept, self.work)
        self.again = tuple(photo.name for photo in copies_among(kept))
        return kept

    @property
    def reasons(self) -> Mapping[str, str]:
        """As `ThirdPartyCloak.reasons`."""
        return self.matches.missing

    @property
    def strays(self) -> Mapping[str, str]:
        """As `ThirdPartyCloak.strays`."""
        root = real(Path(self.root))
        strays = self.matches.strays.items()
        return {file.relative_to(root).as_posix(): why for file, why in strays}

    @property
    def notes(self) -> tuple[str, ...]:
        """As `ThirdPartyCloak.notes`."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        counts = Counter(self.matches.how.values())
        ways = (f"{n} by {_WAYS[how]}" for how, n in sorted(counts.items()))
        if counts:
            yield f"matched: {', '.join(ways)}"
        yield from self.matches.notes
        if self.again:
            yield (
                f"{len(self.again)} photos are copies that `protect` wrote, as {self.again[0]}: "
                "what is called clean is cloaked already"
            )

    def covers(self, name: str) -> bool:
        """Whether the photo of that name has a copy; after `read`, one that can be used."""
        return name in (self.copies if self.found is None else self.found)

    def read(self, pictures: Pictures) -> None:
        """Reads the copies of these clean pictures."""
        own = [p for p in pictures.items if p.name in self.copies]
        files = [Photo("", str(self.copies[p.name]), self.copies[p.name]) for p in own]
        contents = [content_of(file) for file in files]
        keys = [
            fingerprint("copied", _read, content, picture.digest)
            for picture, content in zip(own, contents, strict=True)
        ]
        records = self.work.through(
            "reading cloaked copies",
            keys,
            lambda i: _read(files[i], own[i]),
            lambda record: holds_frames(record) or "boxes" not in record,
        )
        self.found = {
            picture.name: PhotoPicture(file, picture.identity, content, frames[0])
            for picture, file, content, record in zip(own, files, contents, records, strict=True)
            if "boxes" in record and (frames := frames_in(record))
        }
        pairs = zip(own, records, strict=True)
        self.unchanged = tuple(p.name for p, record in pairs if "unchanged" in record)
        self.missing = tuple(name for name in pictures.names if name not in self.copies)
        self.unusable = tuple(p.name for p in own if p.name not in self.found)

    def published(self, pictures: Pictures, rng: Generator, /) -> Pictures:
        """Their copies, or themselves."""
        del rng
        found = self.found or {}
        return Pictures(tuple(found.get(p.name, p) for p in pictures.items))


def _read(file: Photo, picture: Picture) -> Record:
    """Where the face of `picture` is in its copy; nothing where the copy does not show it."""
    try:
        pixels = decode_pixels(file.read(), file.name)
    except UnreadableImageError as error:
        return {error.reason: NOTHING}
    clean = picture.face()
    there = picture.frame if isinstance(picture, PhotoPicture) else None
    same = there is not None and pixels.shape[:2] == there.size
    first = [there] if same and there is not None else []
    for frame in _where(pixels, first):
        shown = cut(pixels, frame.to(ARCFACE))
        if abs(correlation(shown, clean)) >= ALIKE:  # be it as a negative
            same = torch.equal(shown, clean)
            return kept([frame], pixels) | ({"unchanged": NOTHING} if same else {})
    return {"no face": NOTHING}


def _where(pixels: Pixels, first: Sequence[Frame]) -> Iterator[Frame]:
    """Where the photo's face was; then, as a copy may be of another size or turned, any face."""
    yield from first
    yield from detect(pixels)


_WAYS = {
    "ledger": "the ledger of `protect`",
    "name": "name",
    "face": f"face (a likeness of {LIKENESS:g} and more)",
}
_MOST = 1000
"""Photos of which a loose file may be the copy, up to which their faces are compared with it."""


def _with_faces(folder: Copies, found: Matches, photos: Sequence[Photo], work: Work) -> Matches:
    """With what can be told by faces: of a file that has no photo's name, and lies in a folder that
    is called as a person's is, or loose."""
    waiting = [photo for photo in photos if photo.name in found.missing]
    candidates = {
        file: own for file in found.strays if len(own := folder.near(file, waiting)) <= _MOST
    }
    asked = {file: own for file, own in candidates.items() if own}
    files = [Photo("", str(file), file) for file in asked]
    told = by_face(files, list(asked.values()), work)
    return found.joined({name: file.path for name, (file, _) in told.items()}, "face")
