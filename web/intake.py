"""Photos in: what was sent becomes a stored photo, or a sentence that says why not."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from lowkey_core.errors import StorageError, UnreadableImageError, one_line
from lowkey_core.photos.decoding import opened
from lowkey_core.photos.formats import HEAD, SIGNATURES, kind_of, unsupported
from lowkey_core.work.files import explained
from web.limits import Limits
from web.refused import no_room
from web.sessions import Session, Sessions
from web.stored import About, StoredPhoto

LONGEST = 80
"""Characters of a name that are kept."""
KINDS = "JPEG, PNG, HEIC, WebP, TIFF, AVIF, GIF, BMP"


@dataclass(frozen=True)
class Sent:
    """One file of an upload."""

    name: str
    content: IO[bytes]


@dataclass(frozen=True)
class Asked:
    """What was chosen for it."""

    attack: str
    eighths: int


@dataclass(frozen=True)
class NotTaken:
    """A file that was not stored, and why."""

    name: str
    why: str


_NUMBERS = threading.Lock()
"""Of two uploads at once each gets its own numbers."""


def take(
    sent: list[Sent], asked: Asked, session: Session, sessions: Sessions
) -> Iterator[StoredPhoto | NotTaken]:
    """One after the other: each file is stored, or refused by itself.

    Raises: Refused if there is no room for more, StorageError.
    """
    limits = sessions.limits
    for each in sent:
        room(sessions)
        name = shown_name(each.name)
        content = each.content.read(limits.file_bytes + 1)
        if not content and not each.name:
            continue  # a form without a file sends an empty one
        if len(content) > limits.file_bytes:
            most = f"{limits.file_bytes / 1e6:.0f} MB"
            yield NotTaken(name, f"it is larger than {most}. Send a smaller copy of it")
            continue
        try:
            kind, width, height = looked_at(content, limits)
        except ValueError as error:
            yield NotTaken(name, str(error))
            continue
        with _NUMBERS:
            known = session.photos
            held = sum(photo.about.size for photo in known)
            if len(known) >= limits.photos:
                yield NotTaken(name, f"{limits.photos} photos are the most. Download, then forget")
                continue
            if held + len(content) > limits.session_bytes:
                yield NotTaken(name, "your photos are too many bytes together. Download, forget")
                continue
            number = known[-1].number + 1 if known else 1
            photo = StoredPhoto(session.folder / "photos" / str(number))
            about = About(name, kind, len(content), width, height, asked.attack, asked.eighths)
            try:
                photo.keep(content, about)
            except StorageError:
                photo.remove()
                raise
        yield photo


def room(sessions: Sessions) -> None:
    """Raises: Refused if the disk is nearly full, or too much is stored already."""
    limits = sessions.limits
    with explained(sessions.root):
        free = shutil.disk_usage(sessions.root).free
    if free < limits.spare_bytes or sessions.stored() > limits.total_bytes:
        raise no_room()


def looked_at(content: bytes, limits: Limits) -> tuple[str, int, int]:
    """Format, width and height of a file, by its content alone; its pixels are not decoded.

    Raises: ValueError, which says why it is not taken.
    """
    start = content[:HEAD]
    kind = kind_of(start)
    if kind is None or kind not in SIGNATURES:
        what = unsupported(start, "") or ("it is no photo" if content else "it is empty")
        raise ValueError(f"{what}. Send {KINDS}")
    try:
        with opened(content, "it") as file:
            (width, height), pictures = file.size, getattr(file, "n_frames", 1)
            moving = pictures > 1 and file.format in ("GIF", "PNG", "WEBP", "AVIF")
    except UnreadableImageError as error:
        raise ValueError(f"{error.got}. {error.remedy.capitalize()}") from None
    if width * height > limits.pixels:
        most = f"{limits.pixels / 1e6:.0f} megapixels"
        raise ValueError(f"it has {width}x{height} pixels, and {most} are the most. Resize it")
    if moving:
        raise ValueError("it is an animation. `protect --frames` on the command line cloaks those")
    return kind, width, height


def shown_name(name: str) -> str:
    """What a person called a file, without folders, and printable. It names no file here."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return one_line(last.strip())[:LONGEST] or "photo"
