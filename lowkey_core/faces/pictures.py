"""Pictures that people publish: whole photos, read when they are needed, one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from lowkey_core.content import digests_of
from lowkey_core.errors import DatasetError
from lowkey_core.faces.alignment import region, warp
from lowkey_core.faces.detection import cut
from lowkey_core.faces.frames import Frame
from lowkey_core.faces.paste import Retouch, patched
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


@dataclass(frozen=True, slots=True)
class PhotoPicture:
    """A photo in a file: what a cloak changed in it, and what a platform made of it. Small: a
    gallery may hold a million."""

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
    _digest: str = field(default="", init=False, repr=False, compare=False)
    """Once it is known."""

    @property
    def name(self) -> str:
        """The photo's, in its data set."""
        return self.photo.name

    @property
    def found(self) -> bool:
        """As `Picture.found`."""
        return self.frame is not None

    @property
    def published(self) -> str:
        """Names the file that was published: by its content where nothing was changed."""
        if self.change is None:
            return self.content
        at = None if self.at is None else (self.at.landmarks, self.at.size)
        return fingerprint(type(self), self.content, self.change, at)

    @property
    def served_as(self) -> str:
        """Names the pixels that a platform serves."""
        if self.transform is None:
            return self.published
        return fingerprint(type(self), self.published, self.transformed, self.transform)

    @property
    def digest(self) -> str:
        """As `Picture.digest`."""
        if not self._digest:
            frame = self.frame and (self.frame.landmarks, self.frame.box)
            name = fingerprint(type(self), self.served_as, frame)
            object.__setattr__(self, "_digest", name)
        return self._digest

    def face(self, template: Template = ARCFACE, /) -> Tensor:
        """As `Picture.face`. Raises: DatasetError, UnreadableImageError."""
        if (frame := self.frame) is None:
            return torch.zeros(3, template.size, template.size, dtype=torch.uint8)
        face = frame.to(template)

        def made() -> Tensor:
            pixels = self._before_platform()
            if self.transform is not None:
                pixels = seen_after(self.transform, pixels, face, template.size)
            return cut(pixels, face, template.size)

        return FACES.get((self.digest, template.name), made)

    def pixels(self) -> Pixels:
        """As `Picture.pixels`. Raises: DatasetError if the file changed, UnreadableImageError."""
        pixels = self._before_platform()
        return pixels if self.transform is None else self.transform(pixels)

    def _before_platform(self) -> Pixels:
        """What was published. Raises: as `pixels`."""
        content = self.photo.read()
        if digest_of(content) != self.content:
            raise DatasetError(
                f"{self.name} is not the file that it was at the start",
                expected="photos that stay as they are during an audit",
                remedy="leave them alone, and start again",
            )
        pixels = decode_pixels(content, self.name)
        if self.change is not None and self.at is not None:
            warped, change = self.at.to(ARCFACE), self.change.float().div(255)
            make = lambda: patched(pixels, warped, change)  # noqa: E731
            rows, columns, part = PATCHES.get(self.published, make)
            pixels[rows, columns] = part
        return pixels

    def changed(self, change: Tensor, /) -> Picture:
        """As `Picture.changed`; no change leaves the picture as it is, and what was changed or
        transformed before stays so."""
        if not change.any() or self.frame is None:
            return self
        if self.change is None and self.transform is None:
            return replace(self, change=change, at=self.frame)
        return self.served("changed", Retouch(self.frame.to(ARCFACE), change))

    def served(self, name: str, transform: Transform, /) -> Picture:
        """As `Picture.served`; what transformed it before stays so."""
        if name == "none":
            return self
        if self.transform is not None:
            name, transform = f"{self.transformed}+{name}", Then(self.transform, transform)
        return replace(self, transform=transform, transformed=name)

    def seen_at(self, frame: Frame | None) -> PhotoPicture:
        """The same, its face found elsewhere, or not at all."""
        return replace(self, frame=frame)


@dataclass(frozen=True)
class Then:
    """One transform, and then another."""

    first: Transform
    second: Transform

    def __call__(self, pixels: Pixels) -> Pixels:
        """The same size."""
        return self.second(self.first(pixels))


@runtime_checkable
class Local(Protocol):
    """A transform that makes each pixel from those around it alone."""

    @property
    def reach(self) -> int:
        """How far around, in pixels."""
        ...

    def __call__(self, pixels: Pixels, /) -> Pixels:
        """As `Transform`."""
        ...


def seen_after(transform: Transform, pixels: Pixels, face: Tensor, size: int) -> Pixels:
    """What a transform makes of a photo, of the same size: right where a template sees it, which is
    all that a local one looks at. face, size: as of `cut`."""
    if isinstance(transform, Then):
        pixels = transform.first(pixels)
        return seen_after(transform.second, pixels, face, size)
    if not isinstance(transform, Local):
        return transform(pixels)
    height, width = pixels.shape[:2]
    rows, columns, _ = region(face, height, width, size)
    top, left = (max(0, part.start - transform.reach) for part in (rows, columns))
    around = pixels[top : rows.stop + transform.reach, left : columns.stop + transform.reach]
    if 0 not in pixels[rows, columns].shape:
        made = transform(np.ascontiguousarray(around))[rows.start - top :, columns.start - left :]
        pixels = pixels.copy()  # it may be read-only, or somebody's
        pixels[rows, columns] = made[: rows.stop - rows.start, : columns.stop - columns.start]
    return pixels


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
