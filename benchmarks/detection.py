"""Faces found together beside one by one. `python -m benchmarks.detection`

Every photo of LFW, as `find` looks at them, and as facenet-pytorch's MTCNN is used without any
preparation: one photo at a time. In turns, so that both see the machine in the same state.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks import record
from benchmarks.record import Measured
from lowkey_core import datasets
from lowkey_core.faces.detection import SMALLEST, TOGETHER, detect_all
from lowkey_core.faces.frames import Frame
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.types import Pixels
from lowkey_core.work import runtime

TIMED = True
TOLERANCE = 0.1
"""Pixels."""


def measure() -> Measured:
    """Seconds of both ways; photos; those of other faces; those whose landmarks are further off
    than TOLERANCE, and by how much."""
    runtime.tune()
    photos = datasets.load("lfw").photos
    alone = importlib.import_module("facenet_pytorch").MTCNN(
        min_face_size=SMALLEST, keep_all=True, device="cpu"
    )
    seconds = {"alone": 0.0, "together": 0.0}
    others, off = list[str](), dict[str, float]()
    for start in range(0, len(photos), TOGETHER):
        part = photos[start : start + TOGETHER]
        pixels = [decode_pixels(photo.read()) for photo in part]
        began = time.perf_counter()
        ours = detect_all(pixels)
        between = time.perf_counter()
        theirs = [_landmarks(alone, photo) for photo in pixels]
        seconds["together"] += between - began
        seconds["alone"] += time.perf_counter() - between
        for photo, frames, points in zip(part, ours, theirs, strict=True):
            gap = _distance(frames, points)
            if gap is None:
                others.append(photo.name)
            elif gap > TOLERANCE:
                off[photo.name] = round(gap, 3)
    return {"photos": len(photos), "seconds": seconds, "others": others, "off": off}


def _landmarks(detector: Any, pixels: Pixels) -> list[Any]:
    """Of each face, (5, 2), in the detector's order."""
    with torch.no_grad():
        _, _, points = detector.detect(Image.fromarray(pixels), landmarks=True)
    return [] if points is None else [np.asarray(p, dtype=np.float64) for p in points]


def _distance(frames: Sequence[Frame], points: Sequence[Any]) -> float | None:
    """The largest distance of two landmarks of the same face; None if the faces are others."""
    if len(frames) != len(points):
        return None
    ours = [frame.landmarks.numpy() for frame in frames]
    gaps = [min(float(np.abs(o - p).max()) for p in points) for o in ours]
    return max(gaps, default=0.0)


def tables(measured: Measured) -> dict[str, str]:
    """`detection`."""
    took = measured["seconds"]
    off, count = measured["off"], measured["photos"]
    text = (
        f"All {count:,} photos of LFW: {took['together'] / took['alone']:.2f} of the time of one "
        f"by one. Other faces are found in {_count(measured['others'])}. Landmarks are where they "
        f"are one by one, to {TOLERANCE} pixels, in {count - len(off):,} photos"
    )
    if off:
        text += f"; in {len(off)} they are up to {max(off.values()):.0f} pixels away"
    text += "."
    return {"detection": text}


def _count(names: Sequence[str]) -> str:
    return f"{len(names)} photos ({', '.join(names)})" if names else "none"


if __name__ == "__main__":
    record.alone("detection", sys.modules[__name__])
