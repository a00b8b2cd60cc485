"""Where the face is, and the way from photo pixels to the 112x112 template and back.

Detection is MTCNN (Zhang et al., 2016) as facenet-pytorch ships it, weights in its wheel.
"""

from __future__ import annotations

import datetime
import importlib
import io
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lowkey_core import weights
from lowkey_core.images import to_pillow
from lowkey_core.types import FACE_SIZE, Images

TEMPLATE = ((38.29, 51.70), (73.53, 51.50), (56.03, 71.74), (41.55, 92.37), (70.73, 92.20))
"""Where eyes, nose and mouth corners go in the 112x112 crop (LowKey, align_face.py), in pixels."""


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


@cache
def _detector() -> Any:
    contents = [weights.read(card) for card in DETECTOR_CARDS]
    detector = importlib.import_module("facenet_pytorch").MTCNN(
        min_face_size=SMALLEST, keep_all=True, device="cpu"
    )
    # The package has loaded its files unchecked: these are the bytes that were checked.
    stages = (detector.pnet, detector.rnet, detector.onet)
    for stage, content in zip(stages, contents, strict=True):
        stage.load_state_dict(
            torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        )
    return detector


def landmarks(photo: Images) -> Tensor | None:
    """Eyes, nose and mouth corners of a photo's main face, or None if no face is found.

    photo: (1, 3, h, w) float32 in [0, 1]. Returns (5, 2) float32, photo pixels (x, y).
    The main face is large and central: largest box area less twice the squared distance of
    its centre from the photo's (facenet-pytorch's `center_weighted_size`).
    """
    if min(photo.shape[2:]) < SMALLEST:
        return None
    with torch.no_grad():
        boxes, _, points = _detector().detect(to_pillow(photo), landmarks=True)
    if boxes is None or len(boxes) == 0:
        return None
    box = np.asarray(boxes, dtype=np.float64)
    centre = (box[:, :2] + box[:, 2:]) / 2 - np.array([photo.shape[3], photo.shape[2]]) / 2
    area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    main = int(np.argmax(area - 2 * (centre**2).sum(1)))
    return torch.from_numpy(np.asarray(points, dtype=np.float32)[main])


def similarity(points: Tensor) -> Tensor:
    """The least-squares rotation, scale and shift from five landmarks to the template.

    points: (5, 2), photo pixels. Returns (2, 3) float32, photo to template pixels
    (Umeyama 1991 in two dimensions, where complex numbers do it: target = a * source + b).
    """
    source, target = points.double(), torch.tensor(TEMPLATE, dtype=torch.float64)
    s, t = torch.view_as_complex(source.contiguous()), torch.view_as_complex(target)
    s0, t0 = s - s.mean(), t - t.mean()
    a = (s0.conj() * t0).sum() / (s0.abs() ** 2).sum()
    b = t.mean() - a * s.mean()
    rows = [[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]]
    return torch.tensor([[float(v) for v in row] for row in rows])


def warp(images: Images, warps: Tensor | None, size: int = FACE_SIZE) -> Images:
    """Faces at template positions, bilinear and differentiable; outside the photo is black.

    images: (n, 3, h, w) in [0, 1]. warps: (n, 2, 3) or (1, 2, 3), photo to output pixels; None
    returns `images`. A photo much larger than its face is averaged down first, against aliasing.
    Returns (n, 3, size, size).
    """
    if warps is None:
        return images
    warps = warps.expand(len(images), 2, 3)
    shrink = (1 / torch.linalg.det(warps[:, :, :2]).abs().sqrt()).floor().clamp(min=1).long()
    if len(shrink.unique()) == 1:
        return _sample(images, warps, size, int(shrink[0]))
    parts = [
        _sample(images[i : i + 1], warps[i : i + 1], size, int(k)) for i, k in enumerate(shrink)
    ]
    return torch.cat(parts)


def _sample(images: Images, warps: Tensor, size: int, shrink: int) -> Images:
    if shrink > 1:
        images = F.avg_pool2d(images, shrink, ceil_mode=True)
    full = F.pad(warps.double(), (0, 0, 0, 1))
    full[:, 2, 2] = 1
    inverse = torch.linalg.inv(full)  # output pixels to photo pixels
    height, width = images.shape[2:]
    # A pixel of the shrunken photo covers `shrink` pixels: centre c sits at (c + .5) / shrink - .5.
    shrunken = torch.tensor(
        [[1 / shrink, 0, 0.5 / shrink - 0.5], [0, 1 / shrink, 0.5 / shrink - 0.5], [0, 0, 1]]
    ).double()
    # grid_sample counts in [-1, 1] from edge to edge.
    photo = torch.tensor(
        [[2 / width, 0, 1 / width - 1], [0, 2 / height, 1 / height - 1], [0, 0, 1]]
    )
    output = torch.tensor([[size / 2, 0, size / 2 - 0.5], [0, size / 2, size / 2 - 0.5], [0, 0, 1]])
    theta = (photo.double() @ shrunken @ inverse @ output.double())[:, :2].float()
    grid = F.affine_grid(theta, [len(images), 3, size, size], align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)
