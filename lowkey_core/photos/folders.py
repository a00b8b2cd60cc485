"""Picture files below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from lowkey_core.photos.decoding import SUFFIXES

FACES = frozenset({"face", "faces"})
"""Folders that are part of a person rather than one."""
PREVIEWS = "previews"
"""Folder of side-by-side pictures, under an output folder of `protect`."""


def walk(root: Path) -> Iterator[Path]:
    """Pictures below `root`, and folders that cannot be listed, so that they are heard of."""
    closed: list[Path] = []
    for folder, folders, files in os.walk(root, onerror=lambda e: closed.append(Path(e.filename))):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(folder, name)
    yield from closed
