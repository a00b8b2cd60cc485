"""What lies below a folder: pictures, links that are not followed, other files.

Links to files and folders inside the folder are followed, so that what they lead to has two
places; nothing outside of it is read. What is hidden is passed over.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from lowkey_core.photos.formats import HEAD, claims, kind_of, unsupported
from lowkey_core.work.files import open_regular, real

FACES = frozenset({"face", "faces"})
"""Folders that are part of a person rather than one."""
PREVIEWS = "previews"
"""Folder of side-by-side pictures, under an output folder of `protect`."""


@dataclass(frozen=True)
class Contents:
    """The files below a folder, by what they are; each folder's in alphabetical order."""

    pictures: list[Path] = field(default_factory=list)
    """Files whose content is a picture, or whose name says so."""
    refused: dict[Path, str] = field(default_factory=dict)
    """Links to pictures and folders that are not followed, and why."""
    closed: list[OSError] = field(default_factory=list)
    """Folders that cannot be listed."""
    others: list[Path] = field(default_factory=list)
    """Files that are no pictures, or hidden."""


def contents(root: Path) -> Contents:
    """What lies below `root`. Without recursion, which deep folders would exhaust."""
    found, base = Contents(), real(root)
    waiting = [(root, False)]
    while waiting:
        folder, linked = waiting.pop()
        try:
            with os.scandir(folder) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError as error:
            found.closed.append(error)
            continue
        below = []
        for entry in entries:
            path, link = Path(folder, entry.name), entry.is_symlink()
            why = _refusal(path, base, linked) if link else ""
            if entry.name.startswith("."):
                if why or not path.is_dir():
                    found.others.append(path)
            elif why and (claims(entry.name) or os.path.isdir(path)):  # noqa: PTH112  loops
                found.refused[path] = why
            elif not why and path.is_dir():
                below.append((path, linked or link))
            else:
                picture = not why and (claims(entry.name) or is_picture(path))
                (found.pictures if picture else found.others).append(path)
        waiting += reversed(below)
    return found


def _refusal(link: Path, base: Path, linked: bool) -> str:
    """Why a link is not followed; "" if it is. linked: it was reached through another.

    What lies inside the tree has a place of its own there, so that no link in a linked folder
    need be followed: else links to each other would make the tree as large as one likes.
    """
    target = real(link)
    if target.is_symlink():
        return "a link that leads to itself"
    if not os.path.exists(target):  # noqa: PTH110  Path.exists() raises on names that are too long
        return "a link to nothing"
    if not target.is_relative_to(base):
        return "a link that leads out of the folder"
    if not target.is_dir():
        return ""
    if real(link.parent).is_relative_to(target):
        return "a link to a folder that it lies in"
    return "a link inside a linked folder" if linked else ""


def is_picture(path: Path) -> bool:
    """Whether the content of a file is that of a picture."""
    start = head(path)
    return kind_of(start) is not None or unsupported(start, path.name) != ""


def head(path: Path) -> bytes:
    """The first bytes of a regular file; none of anything else."""
    try:
        with open_regular(path) as file:
            return file.read(HEAD)
    except (OSError, ValueError):
        return b""
