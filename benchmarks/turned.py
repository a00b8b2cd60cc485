"""How sure the detector is of faces that are there, and of ones that are not, in photos turned by
right angles. `python -m benchmarks.turned`

Faces: photos of LFW, one each of so many people. Without faces: the same photos with every face
that a search of all four turns suspects blurred away; tiles of the landscapes, objects and textures
that scikit-image and scikit-learn ship, portraits left out; noise of many grains.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import skimage
import sklearn
from PIL import Image, ImageFilter

from lowkey_core import datasets
from lowkey_core.faces.detection import lies, look
from lowkey_core.photos.decoding import Pixels, decode_pixels
from lowkey_core.work import runtime

PEOPLE, SIDE, STEP, NOISES = 300, 250, 125, 200
BARS = (0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995)
PORTRAITS = ("astronaut.png", "camera.png", "lfw_subset.npy")


def certainties(photo: Pixels) -> list[float]:
    """Of the surest face in the photo turned by 0, 90, 180 and 270 degrees; 0 without one."""
    return [
        look([Image.fromarray(turned)], [turned.shape[:2]])[0][0]
        for turned in (np.ascontiguousarray(np.rot90(photo, quarters)) for quarters in range(4))
    ]


def faceless(photo: Pixels) -> Pixels:
    """The photo with each suspected face, and half as much around it, blurred away."""
    soft = Image.fromarray(photo).filter(ImageFilter.GaussianBlur(25))
    kept, blurred = photo.copy(), np.asarray(soft)
    for quarters in range(4):
        turned = np.ascontiguousarray(np.rot90(photo, quarters))
        for face in look([Image.fromarray(turned)], [turned.shape[:2]])[0][1]:
            left, top, right, bottom = face.turned_back(quarters).box.tolist()
            wider, higher = (right - left) / 2, (bottom - top) / 2
            rows = slice(max(0, int(top - higher)), int(bottom + higher))
            columns = slice(max(0, int(left - wider)), int(right + wider))
            kept[rows, columns] = blurred[rows, columns]
    return kept


def scenes() -> Iterator[Pixels]:
    """Tiles of pictures in which nobody is."""
    folders = (Path(skimage.__file__).parent / "data", Path(sklearn.__file__).parent)
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.suffix in (".jpg", ".png")):
            if path.name in PORTRAITS:
                continue
            whole = decode_pixels(path.read_bytes(), path.name)
            for top in range(0, whole.shape[0] - SIDE + 1, STEP):
                for left in range(0, whole.shape[1] - SIDE + 1, STEP):
                    yield np.ascontiguousarray(whole[top : top + SIDE, left : left + SIDE])


def noises() -> Iterator[Pixels]:
    """Blurred random colours."""
    rng = np.random.default_rng(0)
    for i in range(NOISES):
        noise = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        soft = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(i % 20))
        spread = np.asarray(soft).astype(np.float32) - 128
        yield (spread * (60 / max(float(spread.std()), 1)) + 128).clip(0, 255).astype(np.uint8)


def right(faces: list[list[float]], lying: int, bar: float) -> int:
    """Photos turned so far whose face is taken as it stands, if a photo is looked at turned where
    no upright face is as sure as `bar`."""
    hits = 0
    for sure in faces:
        upright, *turned = (sure[(lying + more) % 4] for more in range(4))
        best = max(range(3), key=turned.__getitem__)
        moves = lies(upright, turned[best], bar)
        hits += (best + 1 if moves else 0) == -lying % 4
    return hits


def main() -> None:
    """Prints counts at every bar; `--keep FILE` stores what was measured as JSON."""
    runtime.tune()
    people = datasets.load("lfw").by_identity
    photos = [decode_pixels(own[0].read(), own[0].name) for own in [*people.values()][:PEOPLE]]
    faces = [certainties(photo) for photo in photos]
    empty = {
        "LFW, faces blurred": [certainties(faceless(photo)) for photo in photos],
        "scenes": [certainties(tile) for tile in scenes()],
        "noise": [certainties(noise) for noise in noises()],
    }
    if sys.argv[1:2] == ["--keep"]:
        Path(sys.argv[2]).write_text(json.dumps({"faces": faces, **empty}))
    print(f"bar; of {len(faces)} photos by 0, 90, 180, 270 degrees, faces taken as they stand if")
    print("photos below the bar are looked at turned; of pictures without faces, those with one as")
    print(
        "sure as the bar, as they are / turned:",
        ", ".join(f"{len(v)} {k}" for k, v in empty.items()),
    )
    for bar in BARS:
        taken = [right(faces, lying, bar) for lying in range(4)]
        false = [
            f"{sum(s[0] >= bar for s in rows)} / {sum(max(s[1:]) >= bar for s in rows)}"
            for rows in empty.values()
        ]
        print(f"{bar:<7} {taken}   {'   '.join(false)}")


if __name__ == "__main__":
    main()
