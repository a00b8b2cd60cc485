"""What photos hold: the faces of each, kept, and why there are none."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from lowkey_core.content import digests_of
from lowkey_core.errors import REASONS, AuditError, Reason, UnreadableImageError
from lowkey_core.faces.detection import DETECTOR_CARDS, TOGETHER, cut, found_in
from lowkey_core.faces.frames import Frame
from lowkey_core.photos.decoding import Pixels, decode_pixels
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.types import ARCFACE
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """What one photo holds."""

    frames: tuple[Frame, ...]
    """Where its faces are, the main one first."""
    content: str = ""
    """Digest of the file."""
    shows: str = ""
    """Digest of the main face's aligned pixels; "" without one."""
    lost: Reason | None = None
    """Why it could not be read; None if it could."""


def find(photos: Sequence[Photo], work: Work) -> list[Found]:
    """Every photo's faces; a file that cannot be read has none, and a reason."""
    asked = [Asked(photo, content_of(photo)) for photo in photos]
    records = work.map("finding faces", look_at, asked, together=TOGETHER)
    return [_found(record, a.content) for record, a in zip(records, asked, strict=True)]


@dataclass(frozen=True)
class Asked:
    """A photo whose faces are asked for."""

    photo: Photo
    content: str
    """Digest of its file, or why there is none."""

    @property
    def fingerprint(self) -> str:
        """Of what decides where faces are: the file, and the detector's weights."""
        return fingerprint(self.content, [card.sha256 for card in DETECTOR_CARDS])


def look_at(asked: Sequence[Asked]) -> list[Record]:
    """What `Found` holds of each photo, as tensors to keep. An odd photo spoils no other."""
    try:
        return _look_at(asked)
    except (AuditError, MemoryError):
        raise
    except Exception:
        if len(asked) > 1:
            return [record for each in asked for record in look_at([each])]
        log.info("the detector failed on %s", asked[0].photo.name, exc_info=True)
        return [{"not searched": NOTHING}]


def _look_at(asked: Sequence[Asked]) -> list[Record]:
    records: dict[int, Record] = {}

    def decoded() -> Iterator[tuple[int, Pixels]]:
        for number, each in enumerate(asked):
            try:
                yield number, decode_pixels(each.photo.read(), each.photo.name)
            except UnreadableImageError as error:
                records[number] = {error.reason: NOTHING}

    for number, pixels, frames in found_in(decoded()):
        main = [cut(pixels, frames[0].to(ARCFACE))] if frames else []
        shows = torch.stack(main) if main else NOTHING
        records[number] = {**kept(frames, pixels), "shows": shows}
    return [records[number] for number in range(len(asked))]


def content_of(photo: Photo) -> str:
    """The digest of the file's bytes, or why there are none."""
    try:
        return digest_of(photo.read())
    except UnreadableImageError as error:
        return error.reason


NOTHING = torch.ones(1)
"""Kept under the reason why there is nothing to keep."""


def kept(frames: Sequence[Frame], pixels: Pixels) -> Record:
    """Frames as tensors to keep. pixels: of their photo."""
    return {
        "landmarks": torch.stack([f.landmarks for f in frames]) if frames else torch.zeros(0, 5, 2),
        "boxes": torch.stack([f.box for f in frames]) if frames else torch.zeros(0, 4),
        "size": torch.tensor(pixels.shape[:2]),
    }


def frames_in(record: Record) -> tuple[Frame, ...]:
    """The frames that were kept."""
    height, width = record["size"].tolist()
    pairs = zip(record["landmarks"], record["boxes"], strict=True)
    return tuple(Frame((height, width), points, box) for points, box in pairs)


def _found(record: Record, content: str) -> Found:
    for reason in REASONS:
        if reason in record:
            return Found((), content, lost=reason)
    frames = frames_in(record)
    shows = digests_of(record["shows"].float().div(255))[0] if frames else ""
    return Found(frames, content, shows)
