"""Random noise: the control. If it protects as well as a cloak, the cloak does nothing clever."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from lowkey_core.errors import OptionError
from lowkey_core.faces.alignment import warp
from lowkey_core.faces.visibility import l2
from lowkey_core.types import Cloak, Images, Pictures, per_picture, quantise


def build(like: Cloak | None = None, energy: float = 8.0) -> Noise:
    """like: a cloak whose energy is matched picture by picture; else `energy`, the L2 norm over
    the aligned face on the [0, 1] scale. Raises: OptionError."""
    if energy < 0:
        raise OptionError(f"energy is {energy}", expected="0 or more", remedy="give an L2 norm")
    return Noise(like, energy)


class Noise:
    """Gaussian noise of a given energy, as measured over the face after 8-bit rounding."""

    def __init__(self, like: Cloak | None, energy: float) -> None:
        self.like, self.energy = like, energy

    def __call__(self, pictures: Pictures, rng: Generator, /) -> Images:
        """pictures: crops or photos of one size. Returns the same shape, on the 256 grey levels."""
        clean = pictures.images
        wanted = torch.full((len(pictures),), self.energy)
        if self.like is not None:
            wanted = _energy(pictures, quantise(self.like(pictures, rng)))
        noise = torch.stack(
            [torch.randn(clean.shape[1:], generator=per_picture(rng, d)) for d in pictures.digests]
        )
        # Rounding and clamping make energy a rising function of scale with no closed form: bisect.
        low, high = torch.zeros_like(wanted), torch.ones_like(wanted)
        for _ in range(16):
            middle = (low + high) / 2
            energy = _energy(pictures, quantise(clean + middle.view(-1, 1, 1, 1) * noise))
            low, high = (
                torch.where(energy < wanted, middle, low),
                torch.where(energy < wanted, high, middle),
            )
        return quantise(clean + high.view(-1, 1, 1, 1) * noise)


def _energy(pictures: Pictures, images: Images) -> Tensor:
    return l2(warp(images, pictures.warps), warp(pictures.images, pictures.warps))
