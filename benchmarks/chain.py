"""Our way from a photo to dlib's embedding beside dlib's own. `python -m benchmarks.chain`

Ours: MTCNN, its five landmarks, our chip, our port of the network. Theirs: dlib's detector, its
five landmarks, its chip; the network is the same. Two photos of each person of LFW with at least
10 of them.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from functools import cache
from typing import Any

import torch
from torch import Tensor

from benchmarks import record
from benchmarks.lfw import found
from benchmarks.record import Measured
from lowkey_core import datasets, recognisers
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.images import from_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import Network, Pixels
from lowkey_core.work import runtime

TIMED = False


def measure() -> Measured:
    """Photos; those where dlib sees no face; cosines of what both see; hits of each way."""
    runtime.tune()
    network = recognisers.network("dlib")
    people = [p for p in datasets.load("lfw").by_identity.values() if len(p) >= 10]
    photos = [photo for own in people for photo in own[:2]]
    theirs = [chip(decode_pixels(photo.read())) for photo in photos]
    seen = [i for i, face in enumerate(theirs) if face is not None]
    one, other = ours(network, photos), embedded(network, [f for f in theirs if f is not None])
    alike = (one[seen] * other).sum(1)
    both = [i for i in range(0, len(photos), 2) if i in seen and i + 1 in seen]
    rows = torch.tensor([seen.index(i) for i in both])
    return {
        "photos": len(photos),
        "unseen": len(photos) - len(seen),
        "mean": float(alike.mean()),
        "lowest": float(alike.min()),
        "people": len(both),
        "hits": {
            "ours": hits(one[both], one[[i + 1 for i in both]]),
            "theirs": hits(other[rows], other[rows + 1]),
            "ours among theirs": hits(other[rows], one[[i + 1 for i in both]]),
        },
    }


def ours(network: Network, photos: list[Photo]) -> Tensor:
    """(n, d). Every photo's main face as MTCNN finds it."""
    numbers = {photo.identity: i for i, photo in enumerate(photos)}
    pictures = found(photos, numbers)
    assert len(pictures) == len(photos), "MTCNN finds a face in all of them"
    return embedded(network, [p.face(network.template).float() / 255 for p in pictures.items])


def embedded(network: Network, faces: list[Tensor]) -> Tensor:
    """(n, d)."""
    with torch.no_grad():
        return torch.cat([network(batch) for batch in torch.stack(faces).split(32)])


@cache
def _dlib() -> tuple[Any, Any, Any]:
    """dlib, its detector, its predictor of five landmarks."""
    dlib = importlib.import_module("dlib")
    files = importlib.metadata.files("face_recognition_models") or []
    (file,) = (f for f in files if f.name == "shape_predictor_5_face_landmarks.dat")
    return dlib, dlib.get_frontal_face_detector(), dlib.shape_predictor(str(file.locate()))


def chip(pixels: Pixels) -> Tensor | None:
    """(3, 150, 150) in [0, 1]: dlib's chip of the largest face that it sees, if any."""
    dlib, detector, predictor = _dlib()
    boxes = detector(pixels, 1)
    if not boxes:
        return None
    shape = predictor(pixels, max(boxes, key=lambda box: box.area()))
    return from_pixels(dlib.get_face_chip(pixels, shape, size=150, padding=0.25))[0]


def hits(gallery: Tensor, probes: Tensor) -> int:
    """How many probes are nearest to the entry of their own number."""
    return int(((probes @ gallery.T).argmax(1) == torch.arange(len(probes))).sum())


def tables(measured: Measured) -> dict[str, str]:
    """`chain`."""
    of, hit = measured["people"], measured["hits"]
    text = (
        f"Of {measured['photos']} photos, dlib's detector sees no face in {measured['unseen']}. "
        f"Of the others, the two embeddings of a photo have a cosine of {measured['mean']:.3f} in "
        f"the mean and {measured['lowest']:.3f} at least. A second photo of {of} people finds the "
        f"first: {hit['ours']} times our way, {hit['theirs']} times dlib's, "
        f"{hit['ours among theirs']} times when ours is looked for among dlib's."
    )
    return {"chain": text}


if __name__ == "__main__":
    record.alone("chain", sys.modules[__name__])
