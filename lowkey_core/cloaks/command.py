"""Somebody's program as a cloak: `command:"tool {in} {out}"`.

It is run with a folder of photos, as PNG files, and an empty folder for their cloaked copies. A
copy has its photo's name, or that and a mark, and any suffix, as `photos/copies.py` matches them.
A photo without a copy is published as it is, and a warning counts such photos.
"""

from __future__ import annotations

import logging
import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge
from torch import Generator

from lowkey_core.cloaks import CloakAbout
from lowkey_core.errors import OptionError, PluginError, UnreadableImageError
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.photos.copies import Copies
from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from lowkey_core.photos.photo import MadePhoto as MadePhoto
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.types import Picture, Pictures
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work

log = logging.getLogger(__name__)

IN, OUT = "{in}", "{out}"


def build(
    work: Work,
    line: str = "",
    batch: Annotated[int, Ge(1)] = 16,
    seconds: Annotated[int, Ge(1)] = 3600,
) -> Command:
    """line: the program and its arguments, {in} and {out} among them; no shell sees it. batch:
    photos of one call. seconds: that a call may take. Raises: OptionError."""
    if IN not in line or OUT not in line:
        raise OptionError(
            f"the command is {line!r}",
            expected=f"a program with {IN} and {OUT} among its arguments",
            remedy=f'write command:"tool {IN} {OUT}"',
        )
    try:
        words = tuple(shlex.split(line))
    except ValueError as error:
        raise OptionError(
            f"the command is {line!r} ({error})",
            expected="words as a shell would split them",
            remedy="close its quotes",
        ) from None
    return Command(words, work, batch, seconds)


@dataclass(frozen=True)
class Command:
    """Runs the program once for every few photos; a `PhotoCloak`."""

    words: tuple[str, ...]
    work: Work
    batch: int
    seconds: int
    about: ClassVar[CloakAbout] = CloakAbout(against=None)

    def published(self, pictures: Pictures, rng: Generator, /) -> Pictures:
        """As `PhotoCloak`. Raises: PluginError if the program fails, takes too long, or writes
        nothing."""
        del rng
        parts = [pictures.items[i : i + self.batch] for i in range(0, len(pictures), self.batch)]
        keys = [
            fingerprint("command", self.words, _run, [p.digest for p in part]) for part in parts
        ]
        records = self.work.through(
            f"running {self.words[0]}", keys, lambda i: self._made(parts[i])
        )
        items: list[Picture] = []
        for part, record in zip(parts, records, strict=True):
            items += [_copy(p, record.get(str(i))) for i, p in enumerate(part)]
        self._say_missing(sum(len(record.keys() - {"none"}) for record in records), len(items))
        return Pictures(tuple(items))

    def _say_missing(self, copies: int, photos: int) -> None:
        """Logs how many photos have no copy. Raises: PluginError if none has."""
        if photos and not copies:
            raise PluginError(
                f"{self.words[0]} wrote no copy of {photos} photos",
                expected="files named as the photos are, or that and _cloaked or _attacked",
                remedy="run it by hand on a folder of photos to see what it writes",
            )
        if copies < photos:
            log.warning(
                "%s wrote no copy of %d of %d photos: they are published as they are",
                self.words[0],
                photos - copies,
                photos,
            )

    def _made(self, part: tuple[Picture, ...]) -> Record:
        """The files that the program wrote, by position; "none" where it wrote none."""
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "photos"), Path(folder, "copies")
            source.mkdir()
            target.mkdir()
            for i, picture in enumerate(part):
                (source / f"{i:06}.png").write_bytes(encode_pixels(picture.pixels(), "PNG"))
            _run(
                [w.replace(IN, str(source)).replace(OUT, str(target)) for w in self.words],
                self.seconds,
            )
            photos = [Photo("", f"{i:06}.png", source / f"{i:06}.png") for i in range(len(part))]
            files = Copies(target).match(photos).files
            return {
                str(i): torch.from_numpy(np.frombuffer(files[p.name].read_bytes(), np.uint8).copy())
                for i, p in enumerate(photos)
                if p.name in files
            } or {"none": torch.zeros(1)}


def _run(words: list[str], seconds: int) -> None:
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        trouble = (
            f"exited with {done.returncode}: {' '.join(last)[:200]}" if done.returncode else ""
        )
    except subprocess.TimeoutExpired:
        trouble = f"took more than {seconds} seconds"
    except OSError as error:
        trouble = f"did not start ({error.strerror})"
    if trouble:
        raise PluginError(
            f"{words[0]} {trouble}",
            expected="a program that writes cloaked copies and exits with 0",
            remedy="run it by hand on a folder of photos to see where it fails",
        )


def _copy(picture: Picture, written: torch.Tensor | None) -> Picture:
    """The picture as the program published it: its face where it was, if the size is the same."""
    if written is None or not isinstance(picture, PhotoPicture) or picture.frame is None:
        return picture
    content = written.numpy().tobytes()
    try:
        size = decode_pixels(content, picture.name).shape[:2]
    except UnreadableImageError as error:
        raise PluginError(
            f"the copy of {picture.name} is no picture ({error.reason})",
            expected="a picture file for each photo",
            remedy="run the program by hand on that photo",
        ) from error
    if size != picture.frame.size:
        raise PluginError(
            f"the copy of {picture.name} is {size[1]}x{size[0]}",
            expected=f"the photo's own size, {picture.frame.size[1]}x{picture.frame.size[0]}",
            remedy="let the program keep the size of its photos",
        )
    photo = MadePhoto(picture.photo.identity, picture.name, picture.photo.path, written=content)
    return PhotoPicture(photo, picture.identity, digest_of(content), picture.frame)
