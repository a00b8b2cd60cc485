"""Random noise: the control. If it protects as well as a cloak, the cloak does nothing clever.

`noise:energy=8`, or `noise@lowkey`: as much, picture by picture, as that cloak changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

import torch
from annotated_types import Ge, Lt
from torch import Generator

from lowkey_core.cloaks import CloakAbout
from lowkey_core.content import per_picture, quantise
from lowkey_core.faces.visibility import l2
from lowkey_core.types import Faces, Images


def build(
    of: Callable[[Faces, Generator], Images] | None = None,
    energy: Annotated[float, Ge(0), Lt(math.inf)] = 8.0,
) -> Noise:
    """of: a cloak whose energy is matched picture by picture; else `energy`, the L2 norm over the
    aligned face on the [0, 1] scale."""
    return Noise(of, energy)


class Noise:
    """Gaussian noise of a given energy, as measured over the face after 8-bit rounding."""

    about = CloakAbout()

    def __init__(self, of: Callable[[Faces, Generator], Images] | None, energy: float) -> None:
        self.of, self.energy = of, energy

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """As `Cloak`, on the 256 grey levels."""
        clean = faces.images
        wanted = torch.full((len(faces),), self.energy)
        if self.of is not None:
            wanted = l2(quantise(self.of(faces, rng)), clean)
        noise = torch.stack(
            [torch.randn(clean.shape[1:], generator=per_picture(rng, d)) for d in faces.digests]
        )
        # Rounding and clamping make energy a rising function of scale with no closed form: bisect.
        low, high = torch.zeros_like(wanted), torch.ones_like(wanted)
        for _ in range(16):
            middle = (low + high) / 2
            energy = l2(quantise(clean + middle.view(-1, 1, 1, 1) * noise), clean)
            low, high = (
                torch.where(energy < wanted, middle, low),
                torch.where(energy < wanted, high, middle),
            )
        return quantise(clean + high.view(-1, 1, 1, 1) * noise)
