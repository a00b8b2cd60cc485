"""The README's picture: a face, cloaked, and what changed. `python -m benchmarks.picture FILE`

The face is NASA's portrait of Eileen Collins (public domain), as scikit-image ships it.
"""

from __future__ import annotations

import sys

import torch
from PIL import Image
from skimage import data
from torch import Generator

from lowkey_core import embedders, runtime
from lowkey_core.alignment import similarity, warp
from lowkey_core.cloaks.lowkey import build
from lowkey_core.cloaks.noise import Noise
from lowkey_core.embedders import FlipAveraged
from lowkey_core.finding import landmarks
from lowkey_core.images import from_pillow, to_pillow, to_pixels
from lowkey_core.perceptual import dssim
from lowkey_core.types import Pictures, quantise

TOP, LEFT, SIDE = 20, 130, 200


def main() -> None:
    """Writes clean, cloaked, noise of equal energy, and the cloak enlarged fivefold."""
    runtime.tune()
    photo = from_pillow(Image.fromarray(data.astronaut()))
    (points,) = landmarks(to_pixels(photo))
    pictures = Pictures(photo, torch.zeros(1).long(), ("astronaut",), similarity(points)[None])
    cloak = build("", [embedders.load(n) for n in ("dlib", "mobilefacenet:casia")])
    rng = Generator().manual_seed(0)
    cloaked, noisy = quantise(cloak(pictures, rng)), Noise(cloak, 0)(pictures, rng)
    change = (0.5 + 5 * (cloaked - photo)).clamp(0, 1)
    strip = torch.cat([photo, cloaked, noisy, change], 0)
    strip = strip[..., TOP : TOP + SIDE, LEFT : LEFT + SIDE]
    to_pillow(torch.cat([*strip], 2)[None]).save(sys.argv[1])
    embed = FlipAveraged(embedders.load("mobilefacenet:ms1m"))
    faces = [warp(x, pictures.warps) for x in (photo, cloaked, noisy)]
    with torch.no_grad():
        home, *others = (embed(face) for face in faces)
    for name, face, other in zip(("cloaked", "noise"), faces[1:], others, strict=True):
        similar = (home * other).sum()
        print(f"{name}: DSSIM {dssim(faces[0], face).item():.3f}, similarity {similar:.2f}")


if __name__ == "__main__":
    main()
