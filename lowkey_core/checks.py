"""What is checked of tensors where anybody's plugin hands them over."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lowkey_core.errors import ImageRangeError, ImageShapeError, PluginError


def check_images(images: Tensor, what: str = "images") -> None:
    """Raises ImageShapeError or ImageRangeError unless (n, 3, h, w) float32 in [0, 1]."""
    if images.ndim != 4 or images.shape[1] != 3:
        raise ImageShapeError(
            f"{what} have shape {tuple(images.shape)}",
            expected="(n, 3, height, width)",
            remedy="stack RGB pictures along the first axis",
        )
    if str(images.dtype) != "torch.float32":
        raise ImageRangeError(
            f"{what} are {images.dtype}",
            expected="float32 in [0, 1]",
            remedy="convert with images.float() / 255",
        )
    if images.numel() and not (images.min() >= 0 and images.max() <= 1):
        raise ImageRangeError(
            f"{what} span [{images.min():.3g}, {images.max():.3g}]",
            expected="finite values in [0, 1]",
            remedy="divide 8-bit pixels by 255, and clamp after editing",
        )


_UNIT = 1e-3
"""How far a unit vector's length may be from 1."""


def check_embeddings(embeddings: Any, count: int, who: str) -> None:
    """Raises PluginError unless a (count, d) float32 tensor of unit vectors; one of zeros, which
    has no direction, passes. who: the recogniser."""
    shape, kind = tuple(getattr(embeddings, "shape", ())), str(getattr(embeddings, "dtype", ""))
    if len(shape) != 2 or shape[0] != count or not kind.startswith("torch."):
        got = f"returned a {type(embeddings).__name__} of shape {shape}"
    elif kind != "torch.float32":
        got = f"returned {kind}"
    elif not embeddings.isfinite().all():
        got = "returned numbers that are not finite"
    elif len(wrong := [n for n in embeddings.norm(dim=1).tolist() if n and abs(n - 1) > _UNIT]):
        got = f"returned a vector of length {wrong[0]:.4g}"
    else:
        return
    raise PluginError(
        f"the recogniser {who} {got}",
        expected=f"a tensor ({count}, d) of float32 for {count} faces: finite rows of length 1",
        remedy="correct what it returns",
    )
