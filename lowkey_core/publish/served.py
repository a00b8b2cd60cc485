"""Published pictures as a platform serves them, and whether a detector still finds their faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lowkey_core.faces.detection import DETECTOR_CARDS, TOGETHER, found_in
from lowkey_core.faces.found import frames_in, holds_frames, kept
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.types import Picture, Pictures, Transform
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work


def served(pictures: Pictures, name: str, transform: Transform) -> Pictures:
    """The same pictures after the platform's transform, faces where they were."""
    return Pictures(tuple(picture.served(name, transform) for picture in pictures.items))


def found_again(pictures: Pictures, work: Work) -> Pictures:
    """The same pictures, each with the main face that the detector finds in what is served.

    A photo that was neither changed nor transformed is not looked at again.
    """
    items = list(pictures.items)
    rows = [i for i, picture in enumerate(items) if _may_have_moved(picture)]
    photos = [p for i in rows if isinstance(p := items[i], PhotoPicture)]
    shown = [Served(p) for p in photos]
    label = "finding faces again"
    records = work.map(label, look_again, shown, together=TOGETHER, fits=holds_frames)
    for row, photo, record in zip(rows, photos, records, strict=True):
        items[row] = photo.seen_at(next(iter(frames_in(record)), None))
    return Pictures(tuple(items))


@dataclass(frozen=True)
class Served:
    """A picture as it is served, wherever its face was before."""

    picture: PhotoPicture

    @property
    def fingerprint(self) -> str:
        """Of its pixels, and the detector's weights."""
        return fingerprint(self.picture.served_as, [card.sha256 for card in DETECTOR_CARDS])


def look_again(served: Sequence[Served]) -> list[Record]:
    """Where the main face of each is now, as tensors to keep."""
    photos = ((number, each.picture.pixels()) for number, each in enumerate(served))
    return [kept(frames[:1], pixels) for _, pixels, frames in found_in(photos)]


def _may_have_moved(picture: Picture) -> bool:
    if not isinstance(picture, PhotoPicture):
        return False
    return picture.change is not None or picture.transform is not None


ELSEWHERE = 0.5
"""Overlap of two boxes, intersection over union, below which they are of different faces."""


def in_place(picture: Picture, before: Picture) -> bool:
    """Whether a face is found, and where it was before it was published."""
    if not isinstance(picture, PhotoPicture) or not isinstance(before, PhotoPicture):
        return picture.found
    if picture.frame is None or before.frame is None:
        return False
    return picture.frame.overlap(before.frame) >= ELSEWHERE
