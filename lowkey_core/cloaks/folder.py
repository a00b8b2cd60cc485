"""Somebody else's cloaked pictures, taken from a folder instead of made here: `folder:DIR`.

A photo without a copy is published as it is: it counts as uncloaked. A copy of its photo's size is
aligned as the photo was, so that the two faces differ by the cloak alone; any other by its own
landmarks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Generator, Tensor

from lowkey_core.cloaks import CloakAbout
from lowkey_core.errors import OptionError, UnreadableImageError, setting
from lowkey_core.faces.detection import cut, detect
from lowkey_core.faces.found import NOTHING, content_of, frames_in, kept
from lowkey_core.faces.frames import Frame
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.photos.copies import Copies
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import ARCFACE, Picture, Pictures, Pixels
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work


def build(work: Work, root: str = "") -> FoundCopies:
    """root: the folder of cloaked copies. work: where what was read is kept.

    Raises: OptionError without a folder.
    """
    if not root:
        raise OptionError(
            "the attack 'folder' was asked for without a folder",
            expected="the folder of cloaked copies, as folder:DIR",
            remedy=f"name it with {setting('cloaked', 'DIR')}",
        )
    return FoundCopies(root, work)


ALIKE = 0.5
"""Correlation of a copy's face with its photo's from which they are taken for one picture. A copy
that was turned otherwise is far below, and would pass for perfectly cloaked."""


class FoundCopies:
    """Gives every picture its copy, by the picture's name: a `ThirdPartyCloak`."""

    about = CloakAbout(against=None)

    def __init__(self, root: str, work: Work) -> None:
        self.root, self.work = root, work
        self.copies: Mapping[str, Path] = {}
        self.found: Mapping[str, PhotoPicture] | None = None
        self.missing: tuple[str, ...] = ()
        self.unusable: tuple[str, ...] = ()

    def originals(self, photos: Iterable[Photo]) -> tuple[Photo, ...]:
        """The photos that are not copies; which file is whose is known from here on.

        Raises: DatasetError if the folder is none.
        """
        folder = Copies(Path(self.root))
        kept = folder.originals(photos)
        self.copies = folder.match(kept)
        return kept

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
            "reading cloaked copies", keys, lambda i: _read(files[i], own[i])
        )
        self.found = {
            picture.name: PhotoPicture(file, picture.identity, content, frames[0])
            for picture, file, content, record in zip(own, files, contents, records, strict=True)
            if "boxes" in record and (frames := frames_in(record))
        }
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
        if _resemble(cut(pixels, frame.to(ARCFACE)), clean):
            return kept([frame], pixels)
    return {"no face": NOTHING}


def _where(pixels: Pixels, first: Sequence[Frame]) -> Iterator[Frame]:
    """Where the photo's face was; then, as a copy may be of another size or turned, any face."""
    yield from first
    yield from detect(pixels)


def _resemble(one: Tensor, other: Tensor) -> bool:
    """Whether two faces are one picture, be it as a negative: a cloak may do as it likes."""
    both = torch.stack([one.flatten().float(), other.flatten().float()])
    return both.corrcoef()[0, 1].abs().item() >= ALIKE
