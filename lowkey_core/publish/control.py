"""The control of a cloak: random noise that changes each face as much as the cloak does.

The energy is that of the published photo's face. A photo takes up less of noise than of a cloak, as
it has fewer pixels or other ones, so the noise is scaled until what is left of it is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator

from lowkey_core.content import digests_of, per_picture
from lowkey_core.faces.pictures import levels
from lowkey_core.publish.published import CHANGE
from lowkey_core.publish.tool import Tool
from lowkey_core.types import Picture, Pictures
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work

ROUNDS, TOLERANCE = 8, 0.01
"""Of the search for the scale; its relative error."""
LOUDEST = 8.0
"""Standard deviation of noise, on the [0, 1] scale, beyond which nearly every pixel is black or
white: a cloak that changes more cannot be matched."""


@dataclass(frozen=True)
class EqualNoise:
    """Gaussian noise of the energy of another tool's change, picture by picture."""

    tool: Tool
    work: Work

    @property
    def name(self) -> str:
        """`noise@lowkey`."""
        return f"noise@{self.tool.name}"

    def __call__(self, pictures: Pictures, rng: Generator, /) -> Pictures:
        """As `Tool`."""
        pairs = zip(pictures.items, self.tool(pictures, rng).items, strict=True)
        wanted = [Pair(clean, copy, rng.initial_seed()) for clean, copy in pairs]
        label = "adding noise of equal energy"
        records = self.work.map(label, noises, wanted, fits=CHANGE)
        made = zip(pictures.items, records, strict=True)
        return Pictures(tuple(picture.changed(record["change"]) for picture, record in made))


@dataclass(frozen=True)
class Pair:
    """A picture, its cloaked copy, and the run's seed."""

    clean: Picture
    cloaked: Picture
    seed: int

    @property
    def fingerprint(self) -> str:
        """Of both pictures and the seed."""
        return fingerprint(self.clean.digest, self.cloaked.digest, self.seed)


def noises(pairs: Sequence[Pair]) -> list[Record]:
    """`equal_noise` of each."""
    return [equal_noise(pair) for pair in pairs]


def equal_noise(pair: Pair) -> Record:
    """`change`, (3, 112, 112) int16: noise of the cloak's energy on the published face."""
    clean, face = pair.clean, pair.clean.face()
    (digest,) = digests_of(face[None].float().div(255))
    rng = Generator().manual_seed(pair.seed)
    noise = torch.randn(face.shape, generator=per_picture(rng, digest))
    wanted = _energy(clean, pair.cloaked)
    low, high = 0.0, LOUDEST
    scale = wanted / float(noise.norm())
    change = levels(scale * noise)
    for _ in range(ROUNDS):
        energy = _energy(clean, clean.changed(change))
        if abs(energy - wanted) <= TOLERANCE * wanted or not wanted:
            break
        low, high = (scale, high) if energy < wanted else (low, scale)
        guess = scale * wanted / energy if energy else high
        scale = guess if low < guess < high else (low + high) / 2
        change = levels(scale * noise)
    return {"change": change}


def _energy(one: Picture, other: Picture) -> float:
    """L2 norm of the difference of two faces, on the [0, 1] scale."""
    return float((one.face().float() - other.face().float()).norm()) / 255
