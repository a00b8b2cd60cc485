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
from lowkey_core.errors import REASONS, Reason, UnreadableImageError
from lowkey_core.faces.alignment import region, similarity, warp
from lowkey_core.photos.decoding import Pixels, decode_pixels
from lowkey_core.photos.images import from_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import FACE_SIZE, Images, quantise
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


def landmarks(pixels: Pixels) -> Tensor:
    """Eyes, nose and mouth corners of every face, the photo's main one first.

    Returns (n, 5, 2) float32, photo pixels (x, y). The main face is large and central: largest
    box area less twice the squared distance of its centre from the photo's (facenet-pytorch's
    `center_weighted_size`).
    """
    searched, (height, width) = Image.fromarray(pixels), pixels.shape[:2]
    shrink = max(1.0, max(width, height) / LARGEST_SEARCHED)
    if shrink > 1:
        searched = searched.resize(
            (round(width / shrink), round(height / shrink)), Image.Resampling.BOX
        )
    if min(searched.size) < SMALLEST:
        return torch.zeros(0, 5, 2)
    with torch.no_grad():
        boxes, _, points = _detector().detect(searched, landmarks=True)
    if boxes is None or len(boxes) == 0:
        return torch.zeros(0, 5, 2)
    box = np.asarray(boxes, dtype=np.float64)
    centre = (box[:, :2] + box[:, 2:]) / 2 - np.array(searched.size) / 2
    area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    order = np.argsort(-(area - 2 * (centre**2).sum(1)), kind="stable")
    scale = np.array([width / searched.width, height / searched.height])
    # A pixel's centre c of the small copy lies at (c + .5) * scale - .5 of the photo.
    there = (np.asarray(points, dtype=np.float64)[order] + 0.5) * scale - 0.5
    return torch.from_numpy(there.astype(np.float32))


def aligned(pixels: Pixels, face: Tensor) -> Images:
    """One face at the template. face: (2, 3), photo to template pixels. Returns
    (1, 3, 112, 112) float32 on the 256 grey levels; only the part that is seen becomes floats."""
    rows, columns, moved = region(face, *pixels.shape[:2])
    part = pixels[rows, columns]
    if 0 in part.shape:
        return torch.zeros(1, 3, FACE_SIZE, FACE_SIZE)
    return quantise(warp(from_pixels(part), moved[None]))


@dataclass(frozen=True)
class Frame:
    """Where a face is in its photo."""

    size: tuple[int, int]
    """Height and width of the photo, upright."""
    warp: Tensor
    """(2, 3) float32, photo to template pixels."""


@dataclass(frozen=True)
class Found:
    """What one photo holds."""

    faces: Images
    """(n, 3, 112, 112) float32 on the 256 grey levels, aligned; the main face first."""
    warps: Tensor
    """(n, 2, 3) float32, photo to template pixels."""
    size: tuple[int, int]
    """Height and width of the photo, upright."""
    lost: Reason | None = None
    """Why it could not be read; None if it could."""


def find(photos: Sequence[Photo], work: Work) -> list[Found]:
    """Every photo's faces; a file that cannot be read has none, and a reason."""
    detector = [card.sha256 for card in DETECTOR_CARDS]
    keys = [fingerprint("found", detector, look, content_of(photo)) for photo in photos]

    def make(i: int) -> Record:
        content = content_of(photos[i])
        return {content: NOTHING} if isinstance(content, str) else look(content, photos[i].name)

    return [_found(record) for record in work.through("finding faces", keys, make)]


def content_of(photo: Photo) -> bytes | Reason:
    """The file's bytes, or why there are none."""
    try:
        return photo.read()
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
    warps = [similarity(points) for points in landmarks(pixels)]
    faces = [aligned(pixels, w).mul(255).round().to(torch.uint8) for w in warps]
    return {
        "faces": torch.cat([torch.zeros(0, 3, FACE_SIZE, FACE_SIZE).byte(), *faces]),
        "warps": torch.stack(warps) if warps else torch.zeros(0, 2, 3),
        "size": torch.tensor(pixels.shape[:2]),
    }


def _found(record: Record) -> Found:
    for reason in REASONS:
        if reason in record:
            nobody = torch.zeros(0, 3, FACE_SIZE, FACE_SIZE), torch.zeros(0, 2, 3)
            return Found(*nobody, (0, 0), reason)
    height, width = record["size"].tolist()
    return Found(record["faces"].float().div(255), record["warps"], (height, width))
