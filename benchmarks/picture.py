"""The README's picture: a face, cloaked, and what changed. `python -m benchmarks.picture FILE`

The face is NASA's portrait of Eileen Collins (public domain), as scikit-image ships it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from skimage import data
from torch import Generator

from lowkey_core import recognisers
from lowkey_core.cloaks.lowkey import build
from lowkey_core.cloaks.noise import Noise
from lowkey_core.faces.alignment import similarity
from lowkey_core.faces.detection import aligned, landmarks
from lowkey_core.faces.paste import retouched
from lowkey_core.faces.visibility import dssim
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.photos.decoding import encode_pixels
from lowkey_core.types import Pictures, quantise
from lowkey_core.work import runtime

TOP, LEFT, SIDE = 20, 130, 200


def main() -> None:
    """Writes clean, cloaked, noise of equal energy, and the cloak enlarged fivefold."""
    runtime.tune()
    photo = data.astronaut()
    warp = similarity(landmarks(photo)[0])
    face = aligned(photo, warp)
    pictures = Pictures(face, torch.zeros(1).long(), ("astronaut",))
    cloak = build("", [recognisers.load(n) for n in ("dlib", "mobilefacenet:casia")])
    rng = Generator().manual_seed(0)
    faces = [face, quantise(cloak(pictures, rng)), Noise(cloak, 0)(pictures, rng)]
    photos = [retouched(photo, warp[None], changed - face) for changed in faces]
    change = 128 + 5 * (photos[1].astype(np.int16) - photo)
    strip = np.concatenate([*photos, change.clip(0, 255).astype(np.uint8)], 1)
    parts = [strip[TOP : TOP + SIDE, i * 512 + LEFT : i * 512 + LEFT + SIDE] for i in range(4)]
    Path(sys.argv[1]).write_bytes(encode_pixels(np.concatenate(parts, 1), "PNG"))
    embed = FlipAveraged(recognisers.load("mobilefacenet:ms1m"))
    faces = [aligned(photo, warp) for photo in photos]
    with torch.no_grad():
        home, *others = (embed(face) for face in faces)
    for name, face, other in zip(("cloaked", "noise"), faces[1:], others, strict=True):
        similar = (home * other).sum()
        print(f"{name}: DSSIM {dssim(faces[0], face).item():.3f}, similarity {similar:.2f}")


if __name__ == "__main__":
    main()
