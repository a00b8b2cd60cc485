"""Cloaked copies of whole photos, one for one, in a folder of their own.

Faces are cloaked as an audit cloaks them, at the 112x112 template, and the change is carried
back into the photo (docs/adr/0004-cloak-the-face-change-the-photo.md): what an audit says of a
cloak holds for the files written here. Pixels that no aligned face looks at stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor

from lowkey_core import cache
from lowkey_core.alignment import region, unwarp
from lowkey_core.cache import Work
from lowkey_core.checks import OptionError, StorageError, UnreadableImageError
from lowkey_core.cloaks import Published
from lowkey_core.datasets import Photo
from lowkey_core.files import write_atomically
from lowkey_core.finding import aligned, find
from lowkey_core.images import from_pixels
from lowkey_core.ledger import Ledger, Outcome, digest_of
from lowkey_core.perceptual import dssim
from lowkey_core.pixels import Pixels, decode_pixels, encode_pixels
from lowkey_core.types import Images, Pictures

FACES = ("all", "largest")
SUFFIXES = {"png": ".png", "jpeg": ".jpg"}
PREVIEWS = "previews"
"""Folder of side-by-side pictures, under the output folder."""
_PREVIEW_HEIGHT, _ENLARGED = 512, 5


@dataclass(frozen=True)
class Settings:
    """How copies are made."""

    faces: str = "all"
    """One of FACES."""
    strength: float = 1.0
    """Share of the cloak's change that is applied, 0 to 1."""
    file_format: str = "png"
    """One of SUFFIXES."""
    quality: int = 95
    """Of JPEG, 1 to 100; colour keeps its resolution."""
    preview: bool = False
    """Also photo, copy and enlarged difference, side by side."""

    def __post_init__(self) -> None:
        """Raises: OptionError."""
        for option, value, choices in (
            ("faces", self.faces, FACES),
            ("format", self.file_format, tuple(SUFFIXES)),
        ):
            if value not in choices:
                raise OptionError(
                    f"--{option} is {value!r}",
                    expected=" or ".join(choices),
                    remedy=f"correct --{option}",
                )
        for option, number, low, high in (
            ("strength", self.strength, 0, 1),
            ("quality", self.quality, 1, 100),
        ):
            if not low <= number <= high:
                raise OptionError(
                    f"--{option} is {number}",
                    expected=f"{low} to {high}",
                    remedy=f"correct --{option}",
                )


class Protector:
    """Makes one cloaked copy at a time. A copy depends on its photo and the settings alone."""

    def __init__(
        self, out: Path, cloak: Published, settings: Settings, work: Work, rng: Generator
    ) -> None:
        self.out, self.cloak, self.settings, self.work, self.rng = out, cloak, settings, work, rng
        self.made_with = cache.fingerprint("protect", cloak, settings, rng.initial_seed())

    def protect(self, photos: Sequence[tuple[Photo, str]]) -> Iterator[Outcome]:
        """One outcome per photo, as soon as it is known.

        photos: each with the path of its copy, relative to the output folder. A photo whose copy
        is there, whole and made with the same settings, is left alone; so is a file in its place
        that was not written by us. Raises: StorageError where the ledger cannot be kept.
        """
        ledger = Ledger(self.out)
        for photo, copy in photos:
            yield self._protect(photo, copy, ledger)
        ledger.close()

    def _protect(self, photo: Photo, copy: str, ledger: Ledger) -> Outcome:
        try:
            content = photo.read()
            made_of = digest_of(self.made_with.encode() + content)
            if known := ledger.done(photo.name, made_of):
                return replace(known, status="already protected")
            pixels = decode_pixels(content, photo.name)
        except UnreadableImageError as error:
            return _recorded(ledger, Outcome(photo.name, "unreadable", error.got))
        (found,) = find([photo], self.work)
        if not len(found.faces):
            return _recorded(ledger, Outcome(photo.name, "no face", "not copied"))
        if not ledger.may_write(copy):
            detail = f"{copy} is there and was not written by this command"
            return _recorded(ledger, Outcome(photo.name, "not written", detail))
        rows = _chosen(found.warps, self.settings.faces)
        changed = self._cloak(pixels, found.faces[rows], found.warps[rows], photo.name)
        file = self._encode(changed)
        held = decode_pixels(file) if self.settings.file_format == "jpeg" else changed
        seen = [
            dssim(clean[None], aligned(held, warp)).item()
            for clean, warp in zip(found.faces[rows], found.warps[rows], strict=True)
        ]
        outcome = Outcome(
            photo.name,
            "protected",
            copy=copy,
            faces=len(rows),
            dssim=max(seen),
            made_of=made_of,
            digest=digest_of(file),
        )
        ledger.record(outcome)  # first: a copy nobody knows of would pass for somebody else's
        try:
            if self.settings.preview:  # before the copy: a whole copy means that all is done
                self._write(f"{PREVIEWS}/{copy}.png", _preview(pixels, held, found.warps[rows]))
            self._write(copy, file)
        except StorageError as error:
            return _recorded(ledger, Outcome(photo.name, "not written", error.got))
        return outcome

    def _cloak(self, pixels: Pixels, faces: Images, warps: Tensor, name: str) -> Pixels:
        """A copy of `pixels` in which these faces are cloaked."""
        pictures = Pictures(faces, torch.zeros(len(faces)).long(), (name,) * len(faces))
        changes = (self.cloak(pictures, self.rng) - faces) * self.settings.strength
        changed = pixels.copy()
        for change, warp in zip(changes, warps, strict=True):
            rows, columns, moved = region(warp, *pixels.shape[:2])
            part = changed[rows, columns]
            there = unwarp(change[None], moved, *part.shape[:2])
            cloaked = (from_pixels(part) + there).clamp(0, 1)[0].permute(1, 2, 0)
            changed[rows, columns] = cloaked.mul(255).round().byte().numpy()
        return changed

    def _encode(self, pixels: Pixels) -> bytes:
        if self.settings.file_format == "png":
            return encode_pixels(pixels, "PNG")
        return encode_pixels(pixels, "JPEG", quality=self.settings.quality, subsampling="4:4:4")

    def _write(self, copy: str, content: bytes) -> None:
        path = self.out / copy
        if not path.resolve().is_relative_to(self.out.resolve()):
            raise StorageError(
                f"{path} leads out of {self.out}",
                expected="no links in the output folder",
                remedy="name another folder with --out",
            )
        write_atomically(path, content)


def _recorded(ledger: Ledger, outcome: Outcome) -> Outcome:
    ledger.record(outcome)
    return outcome


def _chosen(warps: Tensor, faces: str) -> list[int]:
    """Rows of the faces to cloak. The largest is the one least magnified to the template."""
    if faces == "largest":
        return [int(torch.linalg.det(warps[:, :, :2]).argmin())]
    return list(range(len(warps)))


def _preview(before: Pixels, after: Pixels, warps: Tensor) -> bytes:
    """Photo, copy and enlarged difference of every face, side by side, a row each, as PNG."""
    strips = []
    for warp in warps:
        rows, columns, _ = region(warp, *before.shape[:2])
        clean, cloaked = before[rows, columns], after[rows, columns]
        difference = cloaked.astype(np.int16) - clean
        enlarged = (128 + _ENLARGED * difference).clip(0, 255).astype(np.uint8)
        strip = Image.fromarray(np.concatenate([clean, cloaked, enlarged], 1))
        scale = _PREVIEW_HEIGHT / strip.height
        strips.append(strip.resize((round(strip.width * scale), _PREVIEW_HEIGHT)))
    sheet = Image.new("RGB", (max(s.width for s in strips), _PREVIEW_HEIGHT * len(strips)))
    for i, strip in enumerate(strips):
        sheet.paste(strip, (0, i * _PREVIEW_HEIGHT))
    return encode_pixels(np.array(sheet), "PNG")
