"""Copies made with a cloak whose change is known, of people who are not there."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator

from lowkey_core.cloaks import CloakAbout
from lowkey_core.faces import detection
from lowkey_core.faces.frames import Frame
from lowkey_core.photos.decoding import Pixels, encode_pixels
from lowkey_core.photos.folders import head
from lowkey_core.photos.formats import kind_of
from lowkey_core.photos.protected import Outcome
from lowkey_core.publish.protect import Protector
from lowkey_core.publish.published import Published
from lowkey_core.publish.settings import Settings
from lowkey_core.publish.sources import named, sources
from lowkey_core.publish.wanted import PHOTO_BY_PHOTO
from lowkey_core.types import Faces, Images
from lowkey_core.work.files import explained
from lowkey_core.work.work import Work
from tests.conftest import frame_at

WARPS = torch.tensor([[[1.0, 0, -20], [0, 1, -30]], [[0.5, 0, -100], [0, 0.5, -10]]])
"""Two faces of a made-up photo, the second twice as large: nobody real is in it."""
SEEN = ((slice(27, 145), slice(17, 135)), (slice(14, 250), slice(194, 430)))
"""What the template sees of them, with a margin."""


class Brighter:
    """A cloak whose change is known: 20 grey levels."""

    about = CloakAbout()

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        self.calls += 1
        return (faces.images + 20 / 255).clamp(0, 1)


def two_faces_or_none(photos: Sequence[Pixels]) -> list[list[Frame]]:
    """Nobody is in a black photo."""
    return [
        [frame_at(w, pixels.shape[:2]) for w in WARPS] if pixels.max() else [] for pixels in photos
    ]


def pretend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both looks find those two faces."""
    monkeypatch.setattr(detection, "detect_all", two_faces_or_none)
    monkeypatch.setattr(detection, "detect_smaller", two_faces_or_none)


PHOTO = np.random.default_rng(0).integers(60, 180, (260, 440, 3), dtype=np.uint8)


def photos_in(root: Path) -> Path:
    """A photo, one in a sub-folder, one of nobody, and one that is none."""
    (root / "sub").mkdir(parents=True)
    (root / "a.png").write_bytes(encode_pixels(PHOTO, "PNG"))
    (root / "sub" / "b.jpg").write_bytes(encode_pixels(PHOTO[:, ::-1], "JPEG", quality=90))
    (root / "nobody.png").write_bytes(encode_pixels(np.zeros_like(PHOTO), "PNG"))
    (root / "text.jpg").write_text("no picture")
    return root


def twice(root: Path) -> Path:
    """The same photo as `a.png` and `z.png`."""
    root.mkdir()
    for name in ("a.png", "z.png"):
        (root / name).write_bytes(encode_pixels(PHOTO, "PNG"))
    return root


def full(path: Path, content: bytes) -> None:
    """In place of `write_atomically`: a disk without room."""
    with explained(path):
        raise OSError(errno.ENOSPC, "No space left on device")


def run(
    folder: Path, out: Path, work: Work | None = None, **settings: object
) -> dict[str, Outcome]:
    made = Settings(**settings)  # type: ignore[arg-type]
    return {o.name: o for o in running(folder, out, made, work or Work())}


def running(folder: Path, out: Path, settings: Settings, work: Work) -> Iterator[Outcome]:
    out.mkdir(exist_ok=True)
    cloak = Published(Brighter(), work, name="it")
    wanted = PHOTO_BY_PHOTO[settings.faces]
    protector = Protector(out, cloak, settings, work, Generator().manual_seed(0), wanted)
    photos = sources([folder], out).photos
    return protector.protect(named(photos, lambda p: settings.suffix(kind_of(head(p.path)))))


def tree(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}
