"""Where the faces are.

Detection is MTCNN (Zhang et al., 2016) as facenet-pytorch ships it, weights in its wheel.
"""

from __future__ import annotations

import datetime
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lowkey_core import weights
from lowkey_core.content import digests_of
from lowkey_core.errors import REASONS, Reason, UnreadableImageError
from lowkey_core.faces.alignment import region, warp
from lowkey_core.faces.frames import Frame
from lowkey_core.photos.decoding import Pixels, decode_pixels
from lowkey_core.photos.images import from_pixels
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.types import ARCFACE, FACE_SIZE
from lowkey_core.weights.checkpoints import state_of
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work


def _mtcnn_card(stage: str, sha256: str, size: int) -> weights.Card:
    return weights.Card(
        name=f"mtcnn:{stage}",
        file=f"facenet_pytorch/data/{stage}.pt",
        sha256=sha256,
        source="https://pypi.org/project/facenet-pytorch/2.5.3/",
        licence="MIT",
        released=datetime.date(2016, 4, 11),
        trained_on="WIDER FACE, CelebA",
        distribution="facenet-pytorch",
        size=size,
    )


DETECTOR_CARDS = (
    _mtcnn_card("pnet", "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f", 28_570),
    _mtcnn_card(
        "rnet", "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86", 403_147
    ),
    _mtcnn_card(
        "onet", "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d", 1_559_269
    ),
)
SMALLEST = 20
"""Side of the smallest face that MTCNN looks for, in pixels."""
LARGEST_SEARCHED = 1600
"""Faces are looked for in a copy of the photo whose longer side is at most this: of a photo of
24 megapixels, MTCNN's first network would fill gigabytes to find faces of 20 pixels."""


@cache
def _detector() -> Any:
    states = [state_of(card) for card in DETECTOR_CARDS]
    detector = importlib.import_module("facenet_pytorch").MTCNN(
        min_face_size=SMALLEST, keep_all=True, device="cpu"
    )
    # The package has loaded its files unchecked: these are the bytes that were checked.
    stages = (detector.pnet, detector.rnet, detector.onet)
    for stage, state in zip(stages, states, strict=True):
        stage.load_state_dict(state)
    return detector


def detect(pixels: Pixels) -> list[Frame]:
    """Every face, the photo's main one first.

    The main face is large and central: largest box area less twice the squared distance of its
    centre from the photo's (facenet-pytorch's `center_weighted_size`).
    """
    searched, (height, width) = Image.fromarray(pixels), pixels.shape[:2]
    shrink = max(1.0, max(width, height) / LARGEST_SEARCHED)
    if shrink > 1:
        searched = searched.resize(
            (round(width / shrink), round(height / shrink)), Image.Resampling.BOX
        )
    if min(searched.size) < SMALLEST:
        return []
    with torch.no_grad():
        boxes, _, points = _detector().detect(searched, landmarks=True)
    if boxes is None or len(boxes) == 0:
        return []
    box = np.asarray(boxes, dtype=np.float64)
    centre = (box[:, :2] + box[:, 2:]) / 2 - np.array(searched.size) / 2
    area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    order = np.argsort(-(area - 2 * (centre**2).sum(1)), kind="stable")
    scale = np.array([width / searched.width, height / searched.height])
    # A pixel's centre c of the small copy lies at (c + .5) * scale - .5 of the photo.
    there = (np.asarray(points, dtype=np.float64)[order] + 0.5) * scale - 0.5
    edges = (box[order].reshape(-1, 2, 2) * scale).reshape(-1, 4)
    return [
        Frame((height, width), torch.from_numpy(p), torch.from_numpy(b))
        for p, b in zip(there.astype(np.float32), edges.astype(np.float32), strict=True)
    ]


def cut(pixels: Pixels, face: Tensor, size: int = FACE_SIZE) -> Tensor:
    """One face at a template. face: (2, 3), photo to template pixels. Returns (3, size, size)
    uint8; only the part that is seen becomes floats."""
    height, width = pixels.shape[:2]
    rows, columns, moved = region(face, height, width, size)
    part = pixels[rows, columns]
    if 0 in part.shape:
        return torch.zeros(3, size, size, dtype=torch.uint8)
    return warp(from_pixels(part), moved[None], size)[0].mul(255).round().to(torch.uint8)


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
    records = work.map("finding faces", look_at, asked)
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


def look_at(asked: Asked) -> Record:
    """What `Found` holds of a photo, as tensors to keep."""
    try:
        return look(asked.photo.read(), asked.photo.name)
    except UnreadableImageError as error:
        return {error.reason: NOTHING}


def content_of(photo: Photo) -> str:
    """The digest of the file's bytes, or why there are none."""
    try:
        return digest_of(photo.read())
    except UnreadableImageError as error:
        return error.reason


NOTHING = torch.ones(1)
"""Kept under the reason why there is nothing to keep."""


def look(content: bytes, name: str) -> Record:
    """What `Found` holds, as tensors to keep."""
    try:
        pixels = decode_pixels(content, name)
    except UnreadableImageError as error:
        return {error.reason: NOTHING}
    frames = detect(pixels)
    main = [cut(pixels, frames[0].to(ARCFACE))] if frames else []
    return {**kept(frames, pixels), "shows": torch.stack(main) if main else NOTHING}


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
            return Found((), lost=reason)
    frames = frames_in(record)
    shows = digests_of(record["shows"].float().div(255))[0] if frames else ""
    return Found(frames, content, shows)
