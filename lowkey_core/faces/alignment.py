"""The way from photo pixels to the 112x112 template and back."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from lowkey_core.types import FACE_SIZE, Images

TEMPLATE = ((38.29, 51.70), (73.53, 51.50), (56.03, 71.74), (41.55, 92.37), (70.73, 92.20))
"""Where eyes, nose and mouth corners go in the 112x112 crop (LowKey, align_face.py), in pixels."""


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


def warp(images: Images, warps: npt.ArrayLike | Tensor, size: int = FACE_SIZE) -> Images:
    """Faces at template positions, bilinear and differentiable; outside the photo is black.

    images: (n, 3, h, w) in [0, 1], on any device. warps: (n, 2, 3) or (1, 2, 3), photo to output
    pixels, on the CPU. A photo much larger than its face is averaged down first, against aliasing.
    Returns (n, 3, size, size).
    """
    matrices = np.asarray(warps, dtype=np.float64)
    parts = images.split(1) if len(matrices) > 1 else [images]
    pairs = zip(parts, matrices, strict=True)
    return torch.cat([_look(part, matrix, size) for part, matrix in pairs])


def _look(images: Images, matrix: npt.NDArray[np.float64], size: int) -> Images:
    shrink, (height, width) = _shrink(matrix), images.shape[2:]
    grid = _grid(matrix, height, width, size).to(images.device)
    if shrink > 1:
        images = F.avg_pool2d(images, shrink, ceil_mode=True)
    return _sampled(images, grid)


def _sampled(images: Images, grid: Tensor) -> Images:
    return F.grid_sample(images, grid.expand(len(images), -1, -1, -1), align_corners=False)


_NEARLY = 1e-3
"""A photo 1.9999 times as large as its template is twice as large: landmarks are rounded."""


def _shrink(matrix: npt.NDArray[np.float64]) -> int:
    """How many photo pixels, in each direction, are averaged before sampling. matrix: (2, 3)."""
    area = abs(float(np.linalg.det(matrix[:, :2])))
    return max(1, math.floor(1 / math.sqrt(area) + _NEARLY))


def _grid(matrix: npt.NDArray[np.float64], height: int, width: int, size: int) -> Tensor:
    """(1, size, size, 2): where the template's pixels lie in a photo that was averaged down, as
    `grid_sample` counts. matrix: (2, 3). The geometry is the CPU's, in double precision."""
    shrink = _shrink(matrix)
    inverse = np.linalg.inv([*matrix, [0.0, 0.0, 1.0]])  # output pixels to photo pixels
    height, width = math.ceil(height / shrink), math.ceil(width / shrink)
    # A pixel of the shrunken photo covers `shrink` pixels: centre c sits at (c + .5) / shrink - .5.
    half = 0.5 / shrink - 0.5
    shrunken = np.array([[1 / shrink, 0, half], [0, 1 / shrink, half], [0, 0, 1]])
    # grid_sample counts in [-1, 1] from edge to edge.
    photo = np.array([[2 / width, 0, 1 / width - 1], [0, 2 / height, 1 / height - 1], [0, 0, 1]])
    output = np.array([[size / 2, 0, size / 2 - 0.5], [0, size / 2, size / 2 - 0.5], [0, 0, 1]])
    rows = (photo @ shrunken @ inverse @ output)[:2].tolist()
    theta = torch.tensor([rows], dtype=torch.float32)
    return F.affine_grid(theta, [1, 3, size, size], align_corners=False)


def region(
    face: Tensor, height: int, width: int, size: int = FACE_SIZE
) -> tuple[slice, slice, Tensor]:
    """The part of a photo that a template sees.

    face: (2, 3), photo to template pixels. height, width: of the photo. size: of the template.
    Returns rows, columns, and (2, 3) from that part's pixels to template pixels: a warp of the
    part equals a warp of the photo. Both slices are empty where the face lies outside.
    """
    # The part starts on the grid that `warp` averages over.
    grain = _shrink(face.numpy().astype(np.float64))
    side = size - 0.5
    corners = torch.tensor([[x, y] for x in (-0.5, side) for y in (-0.5, side)]).double()
    seen = torch.linalg.solve(face[:, :2].double(), (corners - face[:, 2].double()).T)
    low = ((seen.amin(1) - grain - 1) / grain).floor().long() * grain
    high = ((seen.amax(1) + grain + 1) / grain).ceil().long() * grain
    left, top = (max(0, int(v)) for v in low)
    right, bottom = min(width, int(high[0])), min(height, int(high[1]))
    moved = face.clone()
    moved[:, 2] += face[:, :2] @ torch.tensor([float(left), float(top)])
    return slice(top, max(top, bottom)), slice(left, max(left, right)), moved


_ROUNDS, _RIDGE = 12, 0.01


def unwarp(change: Images, face: Tensor, height: int, width: int) -> Images:
    """The smallest change of a photo that changes its aligned face by `change`.

    change: (1, 3, 112, 112). face: (2, 3), photo to template pixels. Returns (1, 3, height, width),
    zero wherever the template does not look. Alignment is linear, A; least squares with a small
    ridge, (A A' + r) y = change, is solved by conjugate gradients, and A' y returned. Where the
    photo has fewer pixels than the template, the part of `change` that it can hold.

    A photo much larger than its face is averaged down before it is sampled, A = S P. P P' only
    divides by the number of pixels averaged, so all but the last step is done on the small photo.
    """
    matrix = face.numpy().astype(np.float64)
    shrink, grid = _shrink(matrix), _grid(matrix, height, width, FACE_SIZE).to(change.device)
    down, across = (_counts(side, shrink).to(change.device) for side in (height, width))
    pixels = down[:, None] * across
    with torch.enable_grad():  # whatever the caller does without gradients
        blank = torch.zeros(1, 3, *pixels.shape, device=change.device, requires_grad=True)
        seen = _sampled(blank, grid)

    def spread(y: Tensor) -> Tensor:
        """P P' S' y: what is linear has one gradient everywhere."""
        with torch.enable_grad():  # of a number: for a tensor's gradient torch opens sympy first
            (back,) = torch.autograd.grad((seen * y).sum(), blank, retain_graph=True)
        return back / pixels

    # A A' is about as large as the ratio of template to photo pixels; the ridge is small beside it.
    ridge = _RIDGE * float(torch.linalg.det(face[:, :2]).abs())
    with torch.no_grad():
        y, rest = torch.zeros_like(change), change.clone()
        way, left = rest.clone(), rest.pow(2).sum()
    for _ in range(_ROUNDS):
        if left == 0:
            break
        image = _sampled(spread(way), grid) + ridge * way
        step = left / (way * image).sum()
        y, rest = y + step * way, rest - step * image
        before, left = left, rest.pow(2).sum()
        way = rest + left / before * way
    whole = spread(y).repeat_interleave(shrink, 2).repeat_interleave(shrink, 3)
    return whole[..., :height, :width].contiguous()


def _counts(side: int, shrink: int) -> Tensor:
    """How many of a side's pixels are averaged to each: at the end there may be fewer."""
    starts = torch.arange(0, side, shrink)
    return (side - starts).clamp(max=shrink).float()
