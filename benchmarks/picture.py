"""The README's picture: a face, cloaked, and what changed. `python -m benchmarks.picture`

The face is NASA's portrait of Eileen Collins (public domain), as scikit-image ships it.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from skimage import data
from torch import Generator

from benchmarks import record
from benchmarks.lfw import embeddings
from benchmarks.record import Measured
from lowkey_core import recognisers
from lowkey_core.cloaks.lowkey import build
from lowkey_core.cloaks.noise import Noise
from lowkey_core.faces.alignment import similarity
from lowkey_core.faces.detection import aligned, landmarks
from lowkey_core.faces.paste import retouched
from lowkey_core.faces.visibility import dssim
from lowkey_core.photos.decoding import encode_pixels
from lowkey_core.types import Pictures, quantise
from lowkey_core.work import runtime

TIMED = False
PICTURE = record.ROOT / "docs" / "astronaut.png"
TOP, LEFT, SIDE = 20, 130, 200


def measure() -> Measured:
    """DSSIM of cloak and noise, and what mobilefacenet:ms1m says of them; draws the picture."""
    runtime.tune()
    photo = data.astronaut()
    warp = similarity(landmarks(photo)[0])
    face = aligned(photo, warp)
    pictures = Pictures(face, torch.zeros(1).long(), ("astronaut",))
    cloak = build("", [recognisers.network(n) for n in ("dlib", "mobilefacenet:casia")])
    rng = Generator().manual_seed(0)
    faces = [face, quantise(cloak(pictures, rng)), Noise(cloak, 0)(pictures, rng)]
    photos = [retouched(photo, warp[None], changed - face) for changed in faces]
    change = 128 + 5 * (photos[1].astype(np.int16) - photo)
    strip = np.concatenate([*photos, change.clip(0, 255).astype(np.uint8)], 1)
    parts = [strip[TOP : TOP + SIDE, i * 512 + LEFT : i * 512 + LEFT + SIDE] for i in range(4)]
    PICTURE.write_bytes(encode_pixels(np.concatenate(parts, 1), "PNG"))
    seen = torch.cat([aligned(photo, warp) for photo in photos])
    home, *others = embeddings(
        "mobilefacenet:ms1m",
        Pictures(seen, torch.zeros(len(seen)).long(), ("clean", "cloaked", "noise")),
    )
    return {
        name: {
            "dssim": float(dssim(seen[:1], seen[i : i + 1])),
            "similarity": float(home @ others[i - 1]),
        }
        for i, name in enumerate(("cloaked", "noise"), 1)
    }


def tables(measured: Measured) -> dict[str, str]:
    """`picture`, its caption."""
    cloaked, noise = measured["cloaked"]["similarity"], measured["noise"]["similarity"]
    return {
        "picture": "*A face; cloaked by `lowkey`; with random noise of the same energy; what the "
        "cloak changed, fivefold.\nTo a recogniser the cloak never saw, the second is "
        f"{cloaked:.2f} like the first, the third\n{noise:.2f} (cosine; "
        "`python -m benchmarks.picture`). Portrait: NASA.*"
    }


if __name__ == "__main__":
    record.alone("picture", sys.modules[__name__])
