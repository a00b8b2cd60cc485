"""Filters of whole photos that take small changes off: transforms, as platforms' are.

What needs ART or scikit-image imports it when it is first used: their imports take seconds.
"""

from __future__ import annotations

import importlib
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import torch

from lowkey_core.networks.art import module
from lowkey_core.transforms.blur import Blur
from lowkey_core.types import Pixels


@dataclass(frozen=True)
class Squeeze:
    """Feature squeezing (Xu et al., NDSS 2018, arXiv 1704.01155): fewer grey levels, then the
    median of a window, then a Gaussian. The first two are ART's `FeatureSqueezing` and
    `SpatialSmoothing`; the order is ours."""

    bits: int
    """Of each colour, 1 to 8; 8 leaves it out."""
    median: int
    """Side of the window in pixels; 1 leaves it out."""
    sigma: float
    """Of the Gaussian, in pixels; 0 leaves it out."""

    def __call__(self, pixels: Pixels) -> Pixels:
        """The same size."""
        made = pixels[None]
        if self.bits < 8:
            art = module("art.defences.preprocessor.feature_squeezing")
            levels, _ = art.FeatureSqueezing((0.0, 255.0), self.bits)(made.astype(np.float64))
            made = np.rint(levels).astype(np.uint8)
        if self.median > 1:
            art = module("art.defences.preprocessor.spatial_smoothing")
            made, _ = art.SpatialSmoothing(self.median)(made)
        return Blur(self.sigma)(made[0]) if self.sigma else np.ascontiguousarray(made[0])


PATCH, WINDOW = 3, 11
"""Sides in pixels of what is compared, and of where it is looked for (Xu et al., Section V)."""


@dataclass(frozen=True)
class NonLocalMeans:
    """Non-local means (Buades et al., CVPR 2005), scikit-image's: each pixel becomes the mean of
    those around it, weighted by how alike the patches around them are. Not its fast mode, whose
    patches of 3x3 pixels are 2x2 and to one side."""

    strength: float
    """Difference between patches, in grey levels, at which the weight is 1/e."""
    library: str = version("scikit-image")
    """Whose result it is."""

    @property
    def reach(self) -> int:
        """How far from a pixel its result depends on the photo, in pixels."""
        return WINDOW // 2 + PATCH // 2

    def __call__(self, pixels: Pixels) -> Pixels:
        """The same size. Bands of rows are made at the same time, each with what it sees beyond its
        edges: the pixels are those of the whole photo."""
        height, beyond = len(pixels), self.reach
        tall = math.ceil(height / torch.get_num_threads())

        def band(top: int) -> Pixels:
            first = max(0, top - beyond)
            return self._filtered(pixels[first : top + tall + beyond])[top - first :][:tall]

        tops = range(0, height, tall)
        with ThreadPoolExecutor(len(tops)) as threads:
            return np.concatenate([*threads.map(band, tops)])

    def _filtered(self, pixels: Pixels) -> Pixels:
        made = importlib.import_module("skimage.restoration").denoise_nl_means(
            pixels.astype(np.float32),
            patch_size=PATCH,
            patch_distance=WINDOW // 2,
            h=self.strength,
            fast_mode=False,
            channel_axis=-1,
            preserve_range=True,
        )
        levels: Pixels = np.rint(made.clip(0, 255)).astype(np.uint8).reshape(pixels.shape)
        return levels
