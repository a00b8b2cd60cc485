"""Cloaked copies of whole photos, one for one, in a folder of their own.

Faces are cloaked as an audit cloaks them, at the 112x112 template, and the change is carried
back into the photo (docs/adr/0004-cloak-the-face-change-the-photo.md): what an audit says of a
cloak holds for the files written here. Pixels that no aligned face looks at stay as they are (in
JPEG copies, as that format keeps them).
"""

from __future__ import annotations

import os
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
from lowkey_core.copies import PREVIEWS
from lowkey_core.datasets import Photo
from lowkey_core.files import write_atomically
from lowkey_core.finding import Found, aligned, find
from lowkey_core.images import from_pixels
from lowkey_core.ledger import Ledger, Outcome, digest_of
from lowkey_core.perceptual import dssim
from lowkey_core.pixels import Pixels, decode_pixels, encode_pixels
from lowkey_core.types import Images, Pictures

FACES = ("all", "largest")
SUFFIXES = {"png": ".png", "jpeg": ".jpg"}
ALREADY = "already protected"
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
    quality: int | None = None
    """Of JPEG, 1 to 100, else 95; colour keeps its resolution."""
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
            if number is not None and not low <= number <= high:
                raise OptionError(
                    f"--{option} is {number}",
                    expected=f"{low} to {high}",
                    remedy=f"correct --{option}",
                )
        if self.quality is not None and self.file_format != "jpeg":
            raise OptionError(
                f"--quality {self.quality} was given for {self.file_format} files",
                expected="--format jpeg with it",
                remedy="add --format jpeg, or leave --quality out",
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
        that is not its copy. Raises: StorageError where the ledger cannot be kept.
        """
        with Ledger(self.out) as ledger:
            for photo, copy in photos:
                source = digest_of(os.fsencode(photo.path.resolve()))
                outcome = self._protect(photo, copy, source, ledger)
                if outcome.status != ALREADY:
                    outcome = replace(outcome, source=source)
                    ledger.record(outcome)
                yield outcome

    def _protect(self, photo: Photo, copy: str, source: str, ledger: Ledger) -> Outcome:
        try:
            content = photo.read()
            known = ledger.done(source, digest_of(content), self.made_with)
            if known:
                return replace(known, status=ALREADY)
            pixels = decode_pixels(content, photo.name)
            (found,) = find([photo], self.work)
            if not len(found.faces):
                return Outcome(photo.name, "no face", "not copied")
            previews = [f"{PREVIEWS}/{copy}.png"] if self.settings.preview else []
            for path in [*previews, copy]:
                if hindrance := ledger.hindrance(path, source, digest_of(content)):
                    return Outcome(photo.name, "not written", hindrance)
            outcome = Outcome(
                photo.name,
                "protected",
                copy=copy,
                source=source,
                photo=digest_of(content),
                made_with=self.made_with,
            )
            outcome, files = self._copies(pixels, found, outcome, previews)
            ledger.record(outcome)  # first: a file nobody knows of would pass for somebody else's
            for path, made in files.items():
                self._write(path, made)
        except UnreadableImageError as error:
            return Outcome(photo.name, "unreadable", error.got)
        except StorageError as error:
            return Outcome(photo.name, "not written", error.got)
        return outcome

    def _copies(
        self, pixels: Pixels, found: Found, outcome: Outcome, previews: Sequence[str]
    ) -> tuple[Outcome, dict[str, bytes]]:
        """The outcome with what is known of the copy, and the files to write, the copy last."""
        rows = _chosen(found.warps, self.settings.faces)
        faces, warps = found.faces[rows], found.warps[rows]
        changed = self._cloak(pixels, faces, warps, outcome.name)
        file = self._encode(changed)
        held = decode_pixels(file) if self.settings.file_format == "jpeg" else changed
        seen = [
            dssim(clean[None], aligned(held, warp)).item()
            for clean, warp in zip(faces, warps, strict=True)
        ]
        files = {path: _preview(pixels, held, warps) for path in previews} | {outcome.copy: file}
        digests = {path: digest_of(made) for path, made in files.items()}
        return replace(outcome, faces=len(rows), dssim=max(seen), files=digests), files

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
        quality = self.settings.quality or 95
        return encode_pixels(pixels, "JPEG", quality=quality, subsampling="4:4:4")

    def _write(self, copy: str, content: bytes) -> None:
        path = self.out / copy
        if not path.resolve().is_relative_to(self.out.resolve()):
            raise StorageError(
                f"{path} leads out of {self.out}",
                expected="no links in the output folder",
                remedy="name another folder with --out",
            )
        write_atomically(path, content)


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
