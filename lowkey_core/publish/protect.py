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

import torch
from torch import Generator, Tensor

from lowkey_core.errors import OptionError, StorageError, UnreadableImageError, setting
from lowkey_core.faces.detection import cut
from lowkey_core.faces.found import find
from lowkey_core.faces.frames import Frame
from lowkey_core.faces.paste import retouched
from lowkey_core.faces.pictures import levels
from lowkey_core.faces.visibility import dssim
from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from lowkey_core.photos.folders import PREVIEWS
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.publish.ledger import Ledger, Outcome
from lowkey_core.publish.preview import side_by_side
from lowkey_core.publish.published import Published
from lowkey_core.types import ARCFACE, FACE_SIZE, Faces, Images, Pixels
from lowkey_core.work import provenance
from lowkey_core.work.files import write_atomically
from lowkey_core.work.work import Work

FACES = ("all", "largest")
SUFFIXES = {"png": ".png", "jpeg": ".jpg"}


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
                    f"{setting(option)} is {value!r}",
                    expected=" or ".join(choices),
                    remedy=f"correct {setting(option)}",
                )
        for option, number, low, high in (
            ("strength", self.strength, 0, 1),
            ("quality", self.quality, 1, 100),
        ):
            if number is not None and not low <= number <= high:
                raise OptionError(
                    f"{setting(option)} is {number}",
                    expected=f"{low} to {high}",
                    remedy=f"correct {setting(option)}",
                )
        if self.quality is not None and self.file_format != "jpeg":
            raise OptionError(
                f"{setting('quality', self.quality)} was given for {self.file_format} files",
                expected=f"{setting('format', 'jpeg')} with it",
                remedy=f"add {setting('format', 'jpeg')}, or leave {setting('quality')} out",
            )


class Protector:
    """Makes cloaked copies. Photos are cloaked together, as many at a time as a batch of the
    cloak holds; the copies depend on all of them in the last bits of floats, and on nothing else.
    """

    def __init__(
        self, out: Path, cloak: Published, settings: Settings, work: Work, rng: Generator
    ) -> None:
        self.out, self.cloak, self.settings, self.work, self.rng = out, cloak, settings, work, rng
        self.made_with = provenance.fingerprint(type(self), cloak, settings, rng.initial_seed())

    def protect(self, photos: Sequence[tuple[Photo, str]]) -> Iterator[Outcome]:
        """One outcome per photo, as soon as it is known.

        photos: each with the path of its copy, relative to the output folder. A photo whose copy
        is there, whole and made with the same settings, is left alone; so is a file in its place
        that is not its copy. Raises: StorageError where the ledger cannot be kept.
        """
        size = self.cloak.batch
        with Ledger(self.out) as ledger:
            for group in (photos[i : i + size] for i in range(0, len(photos), size)):
                yield from self._group(group, ledger)

    def _group(self, group: Sequence[tuple[Photo, str]], ledger: Ledger) -> Iterator[Outcome]:
        known = [self._known(photo, ledger) for photo, _ in group]
        if all(outcome is not None for outcome in known):
            yield from (outcome for outcome in known if outcome is not None)
            return
        found = find([photo for photo, _ in group], self.work)
        cut_out = [
            _cut_out(photo, f.frames, self.settings.faces)
            for (photo, _), f in zip(group, found, strict=True)
        ]
        changes = self._changes(group, cut_out)
        for (photo, copy), before, own, change in zip(group, known, cut_out, changes, strict=True):
            yield before or self._protect(photo, copy, own, change, ledger)

    def _known(self, photo: Photo, ledger: Ledger) -> Outcome | None:
        try:
            content = digest_of(photo.read())
            done = ledger.done(_source(photo), content, self.made_with)
        except (UnreadableImageError, StorageError):
            return None  # what is wrong is said when its turn comes
        return done and replace(done, status="already protected")

    def _changes(
        self, group: Sequence[tuple[Photo, str]], cut_out: Sequence[CutOut]
    ) -> list[Images]:
        """What the cloak changes of the faces of each photo."""
        counts = [len(own.faces) for own in cut_out]
        images = torch.cat([own.faces for own in cut_out])
        names = tuple(p.name for (p, _), n in zip(group, counts, strict=True) for _ in range(n))
        if not len(images):
            return [images] * len(group)
        cloaked = self.cloak(Faces(images, torch.zeros(len(images)).long(), names), self.rng)
        # In whole grey levels first, as an audit has them: else the last bits of floats differ.
        changes = levels(cloaked - images).float().div(255) * self.settings.strength
        return list(changes.split(counts))

    def _protect(
        self, photo: Photo, copy: str, own: CutOut, changes: Images, ledger: Ledger
    ) -> Outcome:
        """Writes the copy, unless something is in the way, and records what became of the photo."""
        outcome = Outcome(photo.name, "no face", "not copied", source=_source(photo))
        try:
            content = photo.read()
            pixels = decode_pixels(content, photo.name)
            if len(changes):
                outcome = replace(outcome, photo=digest_of(content), made_with=self.made_with)
                outcome = self._write(outcome, copy, pixels, own, changes, ledger)
        except UnreadableImageError as error:
            outcome = replace(outcome, status="unreadable", detail=error.got)
        except StorageError as error:
            outcome = replace(outcome, status="not written", detail=error.got)
        ledger.record(outcome)
        return outcome

    def _write(
        self,
        outcome: Outcome,
        copy: str,
        pixels: Pixels,
        own: CutOut,
        changes: Images,
        ledger: Ledger,
    ) -> Outcome:
        preview = f"{PREVIEWS}/{copy}.png"
        for path in (preview, copy) if self.settings.preview else (copy,):
            if hindrance := ledger.hindrance(path, outcome.source, outcome.photo):
                return replace(outcome, status="not written", detail=hindrance)
        changed = retouched(pixels, own.warps, changes)
        files = {copy: self._encode(changed)}
        held = decode_pixels(files[copy]) if self.settings.file_format == "jpeg" else changed
        if self.settings.preview:  # before the copy: a whole copy means that all is done
            sheet = encode_pixels(side_by_side(pixels, held, own.warps), "PNG")
            files = {preview: sheet, **files}
        seen = [
            dssim(clean[None], cut(held, warp)[None].float().div(255)).item()
            for clean, warp in zip(own.faces, own.warps, strict=True)
        ]
        outcome = replace(
            outcome,
            status="protected",
            detail="",
            copy=copy,
            faces=len(seen),
            dssim=max(seen),
            files={path: digest_of(made) for path, made in files.items()},
        )
        ledger.record(outcome)  # first: a file nobody knows of would pass for somebody else's
        for path, made in files.items():
            if not (self.out / path).resolve().is_relative_to(self.out.resolve()):
                raise StorageError(
                    f"{self.out / path} leads out of {self.out}",
                    expected="no links in the output folder",
                    remedy=f"name another folder with {setting('out')}",
                )
            write_atomically(self.out / path, made)
        return outcome

    def _encode(self, pixels: Pixels) -> bytes:
        if self.settings.file_format == "png":
            return encode_pixels(pixels, "PNG")
        quality = self.settings.quality or 95
        return encode_pixels(pixels, "JPEG", quality=quality, subsampling="4:4:4")


def _source(photo: Photo) -> str:
    return digest_of(os.fsencode(photo.path.resolve()))


@dataclass(frozen=True)
class CutOut:
    """The faces of a photo that are to be cloaked."""

    faces: Images
    """(n, 3, 112, 112) float32 on the 256 grey levels."""
    warps: Tensor
    """(n, 2, 3): photo pixels to template pixels."""


def _cut_out(photo: Photo, frames: Sequence[Frame], which: str) -> CutOut:
    """which: all, or the largest, the one least magnified to the template. None of a photo that
    cannot be read any more: that is said when its turn comes."""
    warps = [frame.to(ARCFACE) for frame in frames]
    if which == "largest" and warps:
        warps = [min(warps, key=lambda warp: float(torch.linalg.det(warp[:, :2])))]
    try:
        pixels = decode_pixels(photo.read(), photo.name) if warps else None
    except UnreadableImageError:
        pixels = None
    if pixels is None:
        side = FACE_SIZE
        return CutOut(torch.zeros(0, 3, side, side), torch.zeros(0, 2, 3))
    faces = torch.stack([cut(pixels, warp) for warp in warps]).float().div_(255)
    return CutOut(faces, torch.stack(warps))
