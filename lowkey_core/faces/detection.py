"""Where the faces are.

Detection is MTCNN (Zhang et al., 2016) as facenet-pytorch ships it, weights in its wheel.
"""

from __future__ import annotations

import datetime
import functools
import importlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lowkey_core import weights
from lowkey_core.faces.alignment import region, warp
from lowkey_core.faces.frames import Frame
from lowkey_core.faces.pyramid import averaged
from lowkey_core.photos.decoding import Pixels
from lowkey_core.photos.images import from_pixels
from lowkey_core.types import FACE_SIZE
from lowkey_core.weights.checkpoints import state_of


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
UPRIGHT, SURE, SURER = 0.995, 0.95, 0.999
"""How sure MTCNN must be, in [0, 1], of a face in a photo as it is, so that it is not looked at
turned; of one in a turned photo; and of that where a face in the photo as it is is SURE as well. Of
faces that lie on their side MTCNN finds most, at wrong landmarks and less sure of them
(`python -m benchmarks.turned`)."""


@functools.cache
def _detector() -> Any:
    states = [state_of(card) for card in DETECTOR_CARDS]
    detector = importlib.import_module("facenet_pytorch").MTCNN(
        min_face_size=SMALLEST, keep_all=True, device="cpu"
    )
    # The package has loaded its files unchecked: these are the bytes that were checked.
    stages = (detector.pnet, detector.rnet, detector.onet)
    for stage, state in zip(stages, states, strict=True):
        stage.load_state_dict(state)
        stage.to(memory_format=torch.channels_last)  # or half the time goes to pooling
    last: Any = importlib.import_module("facenet_pytorch.models.utils.detect_face")
    last.nms_numpy = functools.partial(_without_ties, last.nms_numpy)
    last.imresample = functools.partial(averaged, last.imresample)
    return detector


def _without_ties(choose: Any, boxes: Any, scores: Any, *options: Any) -> Any:
    """The package's choice among boxes of one face. Of several that MTCNN is as sure of, to the
    last bit, it takes the last, or any one where there are many photos: now always the last."""
    return choose(boxes, scores.astype(np.float64) + np.arange(len(scores)) * 1e-12, *options)


TOGETHER = 16
"""Photos that are looked at together, at most."""
PIXELS_TOGETHER = 4_000_000
"""And so many pixels of them, but for a single photo that has more."""


def detect(pixels: Pixels) -> list[Frame]:
    """Every face, the photo's main one first.

    The main face is large and central: largest box area less twice the squared distance of its
    centre from the photo's (facenet-pytorch's `center_weighted_size`).
    """
    return detect_all([pixels])[0]


def detect_all(photos: Sequence[Pixels]) -> list[list[Frame]]:
    """The faces of each photo, as `detect` finds them; photos of one size share every pass.

    A photo in which no face is sure is also looked at turned by 90, 180 and 270 degrees, as MTCNN
    knows upright faces only; it keeps the turn with the surest face.
    """
    copies, sizes = [searched(p) for p in photos], [p.shape[:2] for p in photos]
    found = look(copies, sizes)
    return [
        frames if sure >= UPRIGHT else _turned(copy, size, sure) or frames
        for (sure, frames), copy, size in zip(found, copies, sizes, strict=True)
    ]


def detect_smaller(photos: Sequence[Pixels]) -> list[list[Frame]]:
    """The faces of each upright photo in a smaller copy of what `detect_all` searches: MTCNN misses
    some faces at one size that it finds at another."""
    copies, sizes = [searched(p, SMALLER) for p in photos], [p.shape[:2] for p in photos]
    return [frames for _, frames in look(copies, sizes)]


SMALLER = 0.7
"""Side of that copy, as a share."""


def look(
    copies: Sequence[Image.Image], photos: Sequence[tuple[int, int]]
) -> list[tuple[float, list[Frame]]]:
    """Of each photo, how sure the surest face is, in [0, 1], and its faces. copies: in which they
    are looked for. photos: height and width."""
    found: list[tuple[float, list[Frame]]] = [(0.0, []) for _ in photos]
    for size in dict.fromkeys(copy.size for copy in copies):
        rows = [i for i, copy in enumerate(copies) if copy.size == size]
        if min(size) < SMALLEST:
            continue
        with torch.no_grad():
            looked = _detector().detect([copies[i] for i in rows], landmarks=True)
        for i, box, sure, landmarks in zip(rows, *looked, strict=True):
            if box is not None and len(box):
                found[i] = float(max(sure)), _frames(box, landmarks, size, photos[i])
    return found


def _turned(copy: Image.Image, photo: tuple[int, int], upright: float) -> list[Frame]:
    """The faces of a photo that lies on its side or stands on its head; none if it does not.
    upright: how sure the surest face is in the photo as it is."""
    turned = [copy.transpose(turn) for turn in _TURNS]
    looked = look(turned, [photo[::-1], photo, photo[::-1]])
    sure, quarters = max((sure, i) for i, (sure, _) in enumerate(looked, 1))
    frames = looked[quarters - 1][1] if lies(upright, sure) else []
    return [frame.turned_back(quarters) for frame in frames]


def lies(upright: float, turned: float, bar: float = UPRIGHT) -> bool:
    """Whether the surest face in a turned copy counts, rather than that in the photo as it is.
    upright, turned: how sure they are. bar: as UPRIGHT."""
    return upright < bar and turned >= max(upright, SURE if upright < SURE else SURER)


_TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
"""Counterclockwise."""


def searched(pixels: Pixels, share: float = 1.0) -> Image.Image:
    """The copy of a photo in which faces are looked for, or a smaller one of it."""
    photo = Image.fromarray(pixels)
    shrink = max(1.0, max(photo.size) / LARGEST_SEARCHED) / share
    if shrink == 1:
        return photo
    size = (max(1, round(photo.width / shrink)), max(1, round(photo.height / shrink)))
    # First by a whole number, twice as fast: landmarks differ as between any two ways to shrink.
    return photo.resize(size, Image.Resampling.BOX, reducing_gap=1)


def _frames(boxes: Any, points: Any, size: tuple[int, int], photo: tuple[int, int]) -> list[Frame]:
    """The faces of one photo, the main one first. boxes, points: MTCNN's, in pixels of the copy.
    size: the copy's width and height. photo: the photo's height and width."""
    (height, width), box = photo, np.asarray(boxes, dtype=np.float64)
    centre = (box[:, :2] + box[:, 2:]) / 2 - np.array(size) / 2
    area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    order = np.argsort(-(area - 2 * (centre**2).sum(1)), kind="stable")
    scale = np.array([width / size[0], height / size[1]])
    # A pixel's centre c of the small copy lies at (c + .5) * scale - .5 of the photo.
    there = (np.asarray(points, dtype=np.float64)[order] + 0.5) * scale - 0.5
    edges = (box[order].reshape(-1, 2, 2) * scale).reshape(-1, 4)
    return [
        Frame.at((height, width), torch.from_numpy(p), torch.from_numpy(b))
        for p, b in zip(there.astype(np.float32), edges.astype(np.float32), strict=True)
    ]


def found_in(
    photos: Iterable[tuple[int, Pixels]], *, smaller: bool = False
) -> Iterator[tuple[int, Pixels, list[Frame]]]:
    """Numbered photos, each with its faces, by `detect_all` or by `detect_smaller`. No more are in
    memory than are looked at together."""
    waiting: list[tuple[int, Pixels]] = []
    for number, pixels in photos:
        total = sum(p.shape[0] * p.shape[1] for _, p in (*waiting, (number, pixels)))
        if waiting and (total > PIXELS_TOGETHER or len(waiting) == TOGETHER):
            yield from _seen(waiting, smaller)
            waiting = []
        waiting.append((number, pixels))
    yield from _seen(waiting, smaller)


def _seen(
    photos: list[tuple[int, Pixels]], smaller: bool
) -> Iterator[tuple[int, Pixels, list[Frame]]]:
    detected = detect_smaller if smaller else detect_all
    frames = detected([pixels for _, pixels in photos])
    for (number, pixels), found in zip(photos, frames, strict=True):
        yield number, pixels, found


def cut(pixels: Pixels, face: Tensor, size: int = FACE_SIZE) -> Tensor:
    """One face at a template. face: (2, 3), photo to template pixels. Returns (3, size, size)
    uint8; only the part that is seen becomes floats."""
    height, width = pixels.shape[:2]
    rows, columns, moved = region(face, height, width, size)
    part = pixels[rows, columns]
    if 0 in part.shape:
        return torch.zeros(3, size, size, dtype=torch.uint8)
    return warp(from_pixels(part), moved[None], size)[0].mul(255).round().to(torch.uint8)
