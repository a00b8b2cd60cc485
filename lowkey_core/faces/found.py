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
from lowkey_core.photos.decoding import Pixels
from lowkey_core.photos.held import decoded
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.types import ARCFACE, FACE_SIZE
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record, shaped
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
    records = work.map("finding faces", look_at, asked, together=TOGETHER, fits=_fits)
    return [_found(record, a.content) for record, a in zip(records, asked, strict=True)]


def missed(photos: Sequence[Photo], found: Sequence[Found], work: Work) -> list[int]:
    """How many faces of each photo a second look, at a smaller copy, finds beside those that were
    found; 0 of what cannot be read."""
    asked = [Asked(photo, each.content) for photo, each in zip(photos, found, strict=True)]
    label = "looking a second time"
    records = work.map(label, look_twice, asked, together=TOGETHER, fits=_fits)
    return [
        sum(all(new.overlap(known) < APART for known in each.frames) for new in frames_in(record))
        if "boxes" in record
        else 0
        for each, record in zip(found, records, strict=True)
    ]


APART = 0.3
"""Overlap of two boxes, intersection over union, below which they are two faces."""


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
    return _looked(asked, smaller=False)


def look_twice(asked: Sequence[Asked]) -> list[Record]:
    """Where the faces are in a smaller copy of each."""
    return _looked(asked, smaller=True)


def _looked(asked: Sequence[Asked], *, smaller: bool) -> list[Record]:
    try:
        return _look_at(asked, smaller=smaller)
    except (AuditError, MemoryError):
        raise
    except Exception:
        if len(asked) > 1:
            return [record for each in asked for record in _looked([each], smaller=smaller)]
        log.info("the detector failed on %s", asked[0].photo.name, exc_info=True)
        return [{"not searched": NOTHING}]


def _look_at(asked: Sequence[Asked], *, smaller: bool) -> list[Record]:
    records: dict[int, Record] = {}

    def readable() -> Iterator[tuple[int, Pixels]]:
        for number, each in enumerate(asked):
            try:
                yield number, decoded(each.photo.read(), each.photo.name)
            except UnreadableImageError as error:
                records[number] = {error.reason: NOTHING}

    for number, pixels, frames in found_in(readable(), smaller=smaller):
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


_FRAMES = shaped(
    landmarks=(torch.float32, None, 5, 2), boxes=(torch.float32, None, 4), size=(torch.int64, 2)
)
_SHOWN = shaped(shows=(torch.uint8, 1, 3, FACE_SIZE, FACE_SIZE))


def holds_frames(record: Record) -> bool:
    """Whether a record holds what `kept` gives."""
    return _FRAMES(record) and len(record["landmarks"]) == len(record["boxes"])


def _fits(record: Record) -> bool:
    """Whether a record says where the faces of a photo are, or why there are none."""
    if any(reason in record for reason in REASONS):
        return True
    return holds_frames(record) and (not len(record["boxes"]) or _SHOWN(record))


def frames_in(record: Record) -> tuple[Frame, ...]:
    """The frames that were kept."""
    height, width = record["size"].tolist()
    pairs = zip(record["landmarks"], record["boxes"], strict=True)
    return tuple(Frame.at((height, width), points, box) for points, box in pairs)


def _found(record: Record, content: str) -> Found:
    for reason in REASONS:
        if reason in record:
            return Found((), content, lost=reason)
    frames = frames_in(record)
    shows = digests_of(record["shows"].float().div(255))[0] if frames else ""
    return Found(frames, content, shows)
