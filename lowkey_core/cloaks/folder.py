"""Somebody else's cloaked pictures, taken from a folder instead of made here.

A photo without a copy is published as it is: it counts as uncloaked. A copy of its photo's size is
aligned as the photo was, so that the two faces differ by the cloak alone; any other by its own
landmarks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Generator

from lowkey_core.cache import Record, Work, fingerprint
from lowkey_core.checks import NotPossibleError, OptionError, UnreadableImageError
from lowkey_core.copies import Copies
from lowkey_core.datasets import Photo
from lowkey_core.finding import NOTHING, Frame, aligned, content_of, look
from lowkey_core.pixels import decode_pixels
from lowkey_core.types import Images, Pictures, digests_of


def build(copied: Copied | None = None) -> Copied:
    """copied: the copies that the audit matched. Raises: OptionError where it was given none."""
    if copied is None:
        raise OptionError(
            "the attack 'folder' was asked for without a folder",
            expected="the folder of cloaked copies",
            remedy="name it with --cloaked DIR",
        )
    return copied


ENOUGH = 10
"""An adversary that learned from fewer people would say little about the cloak."""


class Copied:
    """Gives every picture its copy's face, by the picture's name."""

    def __init__(
        self, copies: Copies, photos: Sequence[Photo], frames: Mapping[str, Frame], work: Work
    ) -> None:
        """photos: whose copies are wanted. frames: where in its photo each face is, by name."""
        known = [photo for photo in photos if photo.name in frames]
        matched = [(photo, path) for photo in known if (path := copies.find(photo))]
        files = [Photo(photo.identity, str(path), path) for photo, path in matched]
        keys = [
            fingerprint(
                "copied", content_of(file), frames[photo.name].size, frames[photo.name].warp
            )
            for (photo, _), file in zip(matched, files, strict=True)
        ]
        records = work.through(
            "reading cloaked copies",
            keys,
            lambda i: _face(files[i], frames[matched[i][0].name]),
        )
        outcome = {photo.name: r for (photo, _), r in zip(matched, records, strict=True)}
        self.faces = {n: r["face"].float().div(255) for n, r in outcome.items() if "face" in r}
        self.missing = tuple(photo.name for photo in known if photo.name not in outcome)
        self.unusable = tuple(n for n, r in outcome.items() if "face" not in r)
        """Copies that cannot be read, or in which no face is found."""
        lost = len(self.missing) + len(self.unusable)
        self.notes = (f"{lost} of {len(known)} pictures have no usable copy.",) if lost else ()
        digests = [digests_of(face) for face in self.faces.values()]
        self.fingerprint = fingerprint("copied", tuple(self.faces), digests)

    def __call__(self, pictures: Pictures, rng: Generator, /) -> Images:
        """pictures: aligned faces. Returns their copies' faces, or themselves."""
        del rng
        if not len(pictures):
            return pictures.images.clone()
        rows = zip(pictures.names, pictures.images.split(1), strict=True)
        return torch.cat([self.faces.get(name, clean) for name, clean in rows])

    def tool(self, pictures: Pictures, rng: Generator, /) -> Images:
        """Stands in for the cloaking tool where an adversary would run it: as above.

        Raises: NotPossibleError if fewer than ENOUGH of the people have a copy.
        """
        rows = [i for i, name in enumerate(pictures.names) if name in self.faces]
        people = len(pictures.identities[rows].unique())
        if people < ENOUGH:
            raise NotPossibleError(
                f"{people} background people have cloaked copies",
                expected=f"{ENOUGH} for an adversary to learn from",
                remedy="put copies of more people into the folder, or lower --protected",
            )
        return self(pictures, rng)


def _face(file: Photo, frame: Frame) -> Record:
    try:
        content = file.read()
        pixels = decode_pixels(content, file.name)
    except UnreadableImageError as error:
        return {error.reason: NOTHING}
    if pixels.shape[:2] == frame.size:
        return {"face": aligned(pixels, frame.warp).mul(255).round().to(torch.uint8)}
    faces = look(content, file.name)["faces"]
    return {"face": faces[:1]} if len(faces) else {"no face": NOTHING}
