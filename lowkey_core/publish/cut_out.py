"""The faces of a photo, cut out to be cloaked."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lowkey_core.errors import UnreadableImageError
from lowkey_core.faces.detection import cut
from lowkey_core.faces.found import Found
from lowkey_core.faces.frames import Frame
from lowkey_core.photos.held import decoded
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.types import ARCFACE, FACE_SIZE, Images, Pixels

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CutOut:
    """The faces of a photo that are to be cloaked, at first all."""

    faces: Images
    """(n, 3, 112, 112) float32 on the 256 grey levels."""
    warps: Tensor
    """(n, 2, 3): photo pixels to template pixels."""
    content: str
    """Digest of the file they were found in."""
    frames: tuple[Frame, ...] = ()
    """Where they are."""
    more: int = 0
    """Faces of the photo that only a second look finds."""
    trouble: str = ""
    """Why there are none, if not because nobody was found."""
    left_out: int = 0
    """Faces of the photo that are not to be cloaked."""

    def only(self, rows: Tensor) -> CutOut:
        """Some of the faces. rows: (m,) int64."""
        return replace(
            self,
            faces=self.faces[rows],
            warps=self.warps[rows],
            frames=tuple(self.frames[row] for row in rows.tolist()),
            left_out=self.left_out + len(self.faces) - len(rows),
        )


def cut_out(photo: Photo, found: Found) -> CutOut:
    """All faces of a photo."""
    none = _nobody(found)
    if not found.frames:
        return none
    try:
        content = photo.read()
        if digest_of(content) != found.content:
            return replace(none, trouble=CHANGED)
        return faces_in(decoded(content, photo.name), found)
    except UnreadableImageError as error:
        return replace(none, trouble=error.got)
    except Exception as error:  # one odd photo must not end the run
        log.info("faces could not be cut out of %s", photo.name, exc_info=True)
        return replace(none, trouble=f"{type(error).__name__}: {error}")


def faces_in(pixels: Pixels, found: Found) -> CutOut:
    """The same of a photo that was decoded already. found: in these pixels."""
    if not found.frames:
        return _nobody(found)
    warps = [frame.to(ARCFACE) for frame in found.frames]
    faces = torch.stack([cut(pixels, warp) for warp in warps]).float().div_(255)
    return CutOut(faces, torch.stack(warps), found.content, found.frames)


def _nobody(found: Found) -> CutOut:
    none = torch.zeros(0, 3, FACE_SIZE, FACE_SIZE)
    return CutOut(none, torch.zeros(0, 2, 3), found.content, trouble=found.lost or "")


CHANGED = "it changed while it was looked at; give the same command again"
