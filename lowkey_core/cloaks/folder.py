"""Somebody else's cloaked pictures, taken from a folder instead of made here: `folder:DIR`.

A photo without a copy is published as it is: it counts as uncloaked. A copy of its photo's size is
aligned as the photo was, so that the two faces differ by the cloak alone; any other by its own
landmarks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Generator

from lowkey_core.errors import OptionError, UnreadableImageError, setting
from lowkey_core.faces.detection import NOTHING, Frame, aligned, content_of, look
from lowkey_core.photos.copies import Copies
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import CloakAbout, Faces, Images, digests_of
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
    """Gives every picture its copy's face, by the picture's name: a `ThirdPartyCloak`."""

    about = CloakAbout(against=None)

    def __init__(self, root: str, work: Work) -> None:
        self.root, self.work = root, work
        self.copies: Mapping[str, Path] = {}
        self.faces: Mapping[str, Images] | None = None
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
        return name in (self.copies if self.faces is None else self.faces)

    def read(self, faces: Faces, frames: Mapping[str, Frame]) -> None:
        """Reads the copies of these clean faces. frames: where in its photo each is, by name."""
        rows = [i for i, name in enumerate(faces.names) if name in self.copies]
        names = [faces.names[i] for i in rows]
        files = [Photo("", str(self.copies[name]), self.copies[name]) for name in names]
        keys = [
            fingerprint("copied", content_of(file), faces.images[i], frames[name].size)
            for i, name, file in zip(rows, names, files, strict=True)
        ]
        records = self.work.through(
            "reading cloaked copies",
            keys,
            lambda j: _face(files[j], faces.images[rows[j], None], frames[names[j]]),
        )
        outcome = dict(zip(names, records, strict=True))
        self.faces = {n: r["face"].float().div(255) for n, r in outcome.items() if "face" in r}
        self.missing = tuple(name for name in faces.names if name not in self.copies)
        self.unusable = tuple(n for n, r in outcome.items() if "face" not in r)

    @property
    def fingerprint(self) -> str:
        """Of what was read."""
        faces = self.faces or {}
        return fingerprint("copied", {name: digests_of(face) for name, face in faces.items()})

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """Their copies' faces, or themselves."""
        del rng
        own = self.faces or {}
        rows = zip(faces.names, faces.images.split(1), strict=True)
        return torch.cat([own.get(name, clean) for name, clean in rows])


def _face(file: Photo, clean: Images, frame: Frame) -> Record:
    try:
        content = file.read()
        pixels = decode_pixels(content, file.name)
    except UnreadableImageError as error:
        return {error.reason: NOTHING}
    if pixels.shape[:2] == frame.size and _resemble(face := aligned(pixels, frame.warp), clean):
        return {"face": face.mul(255).round().to(torch.uint8)}
    for found in look(content, file.name)["faces"]:  # of another size, or turned
        if _resemble(found[None] / 255, clean):
            return {"face": found[None]}
    return {"no face": NOTHING}


def _resemble(one: Images, other: Images) -> bool:
    """Whether two faces are one picture, be it as a negative: a cloak may do as it likes."""
    both = torch.stack([one.flatten(), other.flatten()])
    return both.corrcoef()[0, 1].abs().item() >= ALIKE
