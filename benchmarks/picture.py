"""The README's picture: a face, cloaked, and what changed. `python -m benchmarks.picture`

The face is NASA's portrait of Eileen Collins (public domain), as scikit-image ships it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from skimage import data
from torch import Generator

from benchmarks import record
from benchmarks.lfw import WORK, embeddings
from benchmarks.record import Measured
from lowkey_core import recognisers
from lowkey_core.cloaks.command import MadePhoto
from lowkey_core.cloaks.lowkey import build
from lowkey_core.faces.detection import detect
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.faces.visibility import dssim
from lowkey_core.photos.decoding import encode_pixels
from lowkey_core.photos.photo import digest_of
from lowkey_core.publish.control import EqualNoise
from lowkey_core.publish.tool import CloakTool
from lowkey_core.types import Pictures
from lowkey_core.work import runtime

TIMED = False
PICTURE = record.ROOT / "docs" / "astronaut.png"
TOP, LEFT, SIDE = 20, 130, 200


def measure() -> Measured:
    """DSSIM of cloak and noise, and what mobilefacenet:ms1m says of them; draws the picture."""
    runtime.tune()
    photo = data.astronaut()
    content = encode_pixels(photo, "PNG")
    file = MadePhoto("", "astronaut", Path("astronaut.png"), written=content)
    clean = Pictures((PhotoPicture(file, 0, digest_of(content), detect(photo)[0]),))
    surrogates = [recognisers.network(n) for n in ("dlib", "mobilefacenet:casia")]
    tool, rng = CloakTool("lowkey", build("", surrogates), WORK), Generator().manual_seed(0)
    noise = EqualNoise(tool, WORK)
    shown = clean.join(tool(clean, rng)).join(noise(clean, rng))
    photos = [picture.pixels() for picture in shown.items]
    change = 128 + 5 * (photos[1].astype(np.int16) - photo)
    strip = np.concatenate([*photos, change.clip(0, 255).astype(np.uint8)], 1)
    parts = [strip[TOP : TOP + SIDE, i * 512 + LEFT : i * 512 + LEFT + SIDE] for i in range(4)]
    PICTURE.write_bytes(encode_pixels(np.concatenate(parts, 1), "PNG"))
    seen = shown.faces()
    home, *others = embeddings("mobilefacenet:ms1m", shown)
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
