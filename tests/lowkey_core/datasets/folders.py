"""Folders of files that are no pictures, under names of pictures."""

from __future__ import annotations

import os
from pathlib import Path

from lowkey_core import datasets


def make(root: Path, *names: str) -> Path:
    """Files of those names, each holding its own name."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(os.fsencode(name))
    return root


def people(root: Path) -> dict[str, list[str]]:
    found = datasets.load(str(root)).by_identity
    return {who: [photo.name for photo in photos] for who, photos in found.items()}
