"""Pictures that people publish: whole photos, read when they are needed, one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from lowkey_core.content import digests_of
from lowkey_core.errors import DatasetError
from lowkey_core.faces.alignment import warp
from lowkey_core.faces.detection import cut
from lowkey_core.faces.frames import Frame
from lowkey_core.faces.paste import patched
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.images import from_pixels
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.types import ARCFACE, Images, Picture, Pictures, Pixels, Template, Transform
from lowkey_core.work.bounded import Bounded
from lowkey_core.work.provenance import fingerprint

FACES: Bounded[Tensor] = Bounded(96 * 2**20, lambda face: face.nbytes)
"""Faces that were cut out last: several networks ask for the same ones."""
PATCHES: Bounded[tuple[slice, slice, Pixels]] = Bounded(64 * 2**20, lambda patch: patch[2].nbytes)
"""Parts of photos that a cloak changed, as they are published."""


@dataclass(frozen=True)
class PhotoPicture:
    """A photo in a file: what a cloak changed in it, and what a platform made of it."""

    photo: Photo
    identity: int
    content: str
    """Digest of the file, as it was when its face was found."""
    frame: Frame | None
    """Where its face is; None where no detector finds one."""
    change: Tensor | None = None
    """(3, 112, 112) int16: how the aligned face was changed, in grey levels."""
    at: Frame | None = None
    """Where that face was."""
    transform: Transform | None = None
    transformed: str = ""
    """The transform's name."""
    under: PhotoPicture | None = None
    """What was served before `change` was made to it; None: the photo as it is in its file."""

    @property
    def name(self) -> str:
        """The photo's, in its data set."""
        return self.photo.name

    @property
    def found(self) -> bool:
        """As `Picture.found`."""
        return self.frame is not None

    @cached_property
    def published(self) -> str:
        """Names the file that was published."""
        at = None if self.at is None else (self.at.landmarks, self.at.size)
        content = self.content if self.under is None else self.under.served_as
        return fingerprint(type(self), content, self.change, at)

    @cached_property
    def served_as(self) -> str:
        """Names the pixels that a platform serves."""
        return fingerprint(self.published, self.transformed, self.transform)

    @cached_property
    def digest(self) -> str:
        """As `Picture.digest`."""
        frame = self.frame and (self.frame.landmarks, self.frame.box)
        return fingerprint(self.served_as, frame)

    def face(self, template: Template = ARCFACE, /) -> Tensor:
        """As `Picture.face`. Raises: DatasetError, UnreadableImageError."""
        if (frame := self.frame) is None:
            return torch.zeros(3, template.size, template.size, dtype=torch.uint8)
        made = lambda: cut(self.pixels(), frame.to(template), template.size)  # noqa: E731
        return FACES.get((self.digest, template.name), made)

    def pixels(self) -> Pixels:
        """As `Picture.pixels`. Raises: DatasetError if the file changed, UnreadableImageError."""
        pixels = self._in_file() if self.under is None else self.under.pixels()
        if self.change is not None and self.at is not None:
            warped, change = self.at.to(ARCFACE), self.change.float().div(255)
            make = lambda: patched(pixels, warped, change)  # noqa: E731
            rows, columns, part = PATCHES.get(self.published, make)
            pixels[rows, columns] = part
        return pixels if self.transform is None else self.transform(pixels)

    def _in_file(self) -> Pixels:
        content = self.photo.read()
        if digest_of(content) != self.content:
            raise DatasetError(
                f"{self.name} is not the file that it was at the start",
                expected="photos that stay as they are during an audit",
                remedy="leave them alone, and start again",
            )
        return decode_pixels(content, self.name)

    def changed(self, change: Tensor, /) -> Picture:
        """As `Picture.changed`; no change leaves the picture as it is. One that was changed or
        transformed before keeps that: this change comes on top."""
        if not change.any() or self.frame is None:
            return self
        if self.change is None and self.transform is None:
            return replace(self, change=change, at=self.frame)
        bare = replace(self, transform=None, transformed="")
        return replace(bare, change=change, at=self.frame, under=self)

    def served(self, name: str, transform: Transform, /) -> Picture:
        """As `Picture.served`."""
        return self if name == "none" else replace(self, transform=transform, transformed=name)

    def seen_at(self, frame: Frame | None) -> PhotoPicture:
        """The same, its face found elsewhere, or not at all."""
        return replace(self, frame=frame)


@dataclass(frozen=True)
class CropPicture:
    """A picture that is an aligned face and no more: what is outside of it is black."""

    image: Tensor
    """(3, 112, 112) uint8."""
    identity: int
    name: str
    found: bool = True

    @cached_property
    def digest(self) -> str:
        """As `Picture.digest`."""
        return digests_of(self.image[None].float().div(255))[0]

    def face(self, template: Template = ARCFACE, /) -> Tensor:
        """As `Picture.face`."""
        if template == ARCFACE:
            return self.image
        chip = torch.tensor([template.chip], dtype=torch.float32)
        made = warp(self.image[None].float().div(255), chip, template.size)
        return made[0].mul(255).round().to(torch.uint8)

    def pixels(self) -> Pixels:
        """The face."""
        return self.image.permute(1, 2, 0).contiguous().numpy()

    def changed(self, change: Tensor, /) -> Picture:
        """As `Picture.changed`."""
        return replace(self, image=(self.image + change).clamp(0, 255).to(torch.uint8))

    def served(self, name: str, transform: Transform, /) -> Picture:
        """As `Picture.served`."""
        del name
        pixels = from_pixels(transform(self.pixels()))
        return replace(self, image=pixels[0].mul(255).round().to(torch.uint8))


def crops(images: Images, identities: Tensor, names: Sequence[str]) -> Pictures:
    """Pictures of aligned faces. images: (n, 3, 112, 112) in [0, 1]. identities: (n,)."""
    faces = images.mul(255).round().to(torch.uint8)
    rows = zip(faces, identities.tolist(), names, strict=True)
    return Pictures(tuple(CropPicture(face, who, name) for face, who, name in rows))


def levels(change: Images) -> Tensor:
    """Changes in [-1, 1] as grey levels, int16."""
    return change.mul(255).round().to(torch.int16)
