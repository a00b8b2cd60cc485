"""Where a photo's faces are and how a cloak changes them, as a file; and copies made from it."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import numpy as np
import torch
from torch import Tensor

from lowkey_core.errors import UnreadableImageError
from lowkey_core.faces.detection import cut
from lowkey_core.faces.frames import Frame
from lowkey_core.photos import original
from lowkey_core.photos.photo import digest_of
from lowkey_core.publish import made
from lowkey_core.publish.cut_out import CutOut
from lowkey_core.publish.settings import JPEG, PNG, Settings
from web.limits import EIGHTHS
from web.refused import Refused
from web.stored import StoredPhoto
from web.streamed import Streamed

FILE = "cut.npz"
FORMATS = {"png": PNG, "jpeg": JPEG}
"""Of copies, with their suffixes."""


def keep(photo: StoredPhoto, own: CutOut, changes: Tensor) -> None:
    """changes: (n, 3, 112, 112) int16, in grey levels. Raises: StorageError."""
    file = io.BytesIO()
    np.savez(
        file,
        warps=own.warps.numpy(),
        landmarks=torch.stack([frame.landmarks for frame in own.frames]).numpy(),
        boxes=torch.stack([frame.box for frame in own.frames]).numpy(),
        changes=changes.numpy(),
    )
    photo.write(FILE, file.getvalue())


def copy(photo: StoredPhoto, eighths: int, form: str) -> bytes:
    """The cloaked copy, as `protect` writes it. form: a key of FORMATS.

    One is made at a time: each takes the memory of a whole photo. Raises: Refused if there is none.
    """
    with _ONE:
        return _copy(photo, eighths, form)


_ONE = threading.Lock()


def _copy(photo: StoredPhoto, eighths: int, form: str) -> bytes:
    try:
        content = photo.photo.read()
        shown = original.read(content, photo.photo.name)
        with np.load(photo.folder / FILE, allow_pickle=False) as held:
            warps, landmarks, boxes, changes = (
                torch.from_numpy(held[name]) for name in ("warps", "landmarks", "boxes", "changes")
            )
    except (OSError, ValueError, KeyError, UnreadableImageError):
        raise Refused(
            404, "There is no cloaked copy of this photo.", "Go back to your photos."
        ) from None
    height, width = shown.pixels.shape[:2]
    own = CutOut(
        torch.stack([cut(shown.pixels, warp) for warp in warps]).float().div(255),
        warps,
        digest_of(content),
        tuple(Frame.at((height, width), *pair) for pair in zip(landmarks, boxes, strict=True)),
    )
    strength = eighths / EIGHTHS
    settings = Settings(strength=strength, file_format=form)
    change = changes.float().div(255) * strength
    return made.photo(shown, own, change, settings, flat=form == "jpeg").content


def name_of(photo: StoredPhoto, form: str) -> str:
    """What a copy is called when it is saved: as the photo, in letters that every system takes."""
    stem = PurePosixPath(photo.about.name).stem
    kept = "".join(c if c.isalnum() or c in "-_ ." else "_" for c in stem).strip(" .")
    return f"{photo.number:02d} {kept[:60] or 'photo'}{FORMATS[form]}"


def zipped(photos: Sequence[StoredPhoto], form: str) -> Iterator[bytes]:
    """A zip archive of copies at their chosen strengths, piece by piece: one copy is in memory."""
    archive = Streamed()
    for photo in photos:
        yield from archive.add(name_of(photo, form), copy(photo, photo.eighths, form))
    yield from archive.end()
