"""Somebody else's cloaked pictures, taken from a folder instead of made here.

A photo without a copy is published as it is: it counts as uncloaked. A copy of its photo's size is
aligned as the photo was, so that the two faces differ by the cloak alone; any other by its own
landmarks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Generator

from lowkey_core.errors import NotPossibleError, OptionError, UnreadableImageError
from lowkey_core.faces.detection import NOTHING, Frame, aligned, content_of, look
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import Images, Pictures, digests_of
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work


def build(copied: Copied | None = None) -> Copied:
    """copied: the copies that the audit matched. Raises: OptionError where it was given none."""
    if copied is None:
        raise OptionError(
            "the attack 'folder' was asked for without a folder",
            expected="the folder of cloaked copies",
            remedy="name it with --cloaked DIR",
        )
    return copied


ALIKE = 0.5
"""Correlation of a copy's face with its photo's from which they are taken for one picture. A copy
that was turned otherwise is far below, and would pass for perfectly cloaked."""
ENOUGH = 10
"""An adversary that learned from fewer people would say little about the cloak."""


class Copied:
    """Gives every picture its copy's face, by the picture's name."""

    def __init__(
        self,
        copies: Mapping[str, Path],
        faces: Mapping[str, Images],
        frames: Mapping[str, Frame],
        work: Work,
    ) -> None:
        """All by photo name. copies: which file is whose. faces: (1, 3, 112, 112) each, clean,
        and frames: where in its photo each is; of those whose copies are wanted."""
        names = [name for name in faces if name in copies]
        files = [Photo("", str(copies[name]), copies[name]) for name in names]
        keys = [
            fingerprint("copied", content_of(file), faces[name], frames[name].size)
            for name, file in zip(names, files, strict=True)
        ]
        records = work.through(
            "reading cloaked copies",
            keys,
            lambda i: _face(files[i], faces[names[i]], frames[names[i]]),
        )
        outcome = dict(zip(names, records, strict=True))
        self.faces = {n: r["face"].float().div(255) for n, r in outcome.items() if "face" in r}
        self.missing = tuple(name for name in faces if name not in copies)
        self.unusable = tuple(n for n, r in outcome.items() if "face" not in r)
        """Copies that cannot be read, show no face, or not the photo's."""
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
