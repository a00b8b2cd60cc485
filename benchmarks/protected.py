"""Is anybody in files that `protect` wrote still found? `python -m benchmarks.protected`

Photos of eleven people of LFW, each made into another kind of file (200 pixels to 24 megapixels,
two people in one, grey, CMYK, 16 bits, turned by EXIF, with GPS), are cloaked by the command itself
with dlib and mobilefacenet:casia. Then mobilefacenet:ms1m, which had no part in it, looks for every
face that MTCNN finds in photo and copy among 600 strangers and other, clean pictures of the people.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from audit.statistics import clopper_pearson
from benchmarks import record
from benchmarks.lfw import WORK, embeddings, found
from benchmarks.record import Measured
from lowkey_core import datasets
from lowkey_core.faces.found import find
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.photos.photo import Photo
from lowkey_core.photos.protected import read
from lowkey_core.types import Pictures
from lowkey_core.work import runtime

TIMED = False
ENROLLED, STRANGERS = 5, 600
JUDGE = "mobilefacenet:ms1m"


def measure() -> Measured:
    """Per file: faces, how many are found as themselves in photo and copy, and DSSIM."""
    runtime.tune()
    people = datasets.load("lfw").by_identity
    known = [photos for photos in people.values() if len(photos) >= 10][:11]
    strangers = [photos[0] for photos in people.values() if len(photos) == 1][:STRANGERS]
    enrolled = [p for photos in known for p in photos[1 : 1 + ENROLLED]] + strangers
    numbers = {who: i for i, who in enumerate(dict.fromkeys(p.identity for p in enrolled))}
    gallery = found(enrolled, numbers)
    files = []
    root, out = record.fresh("protected") / "photos", record.FOLDER / "protected" / "copies"
    root.mkdir()
    shown = dict(compose([photos[0] for photos in known], root))
    surrogates = ["--surrogate", "dlib,mobilefacenet:casia"]
    record.called("protect", str(root), "--out", str(out), *surrogates)
    for name, outcome in sorted((outcome.name, outcome) for outcome in read(out)):
        hits = []
        for path in (root / name, out / outcome.copy):
            photo = Photo("", name, path)
            (seen,) = find([photo], WORK)
            probes = Pictures(
                tuple(PhotoPicture(photo, -1, seen.content, frame) for frame in seen.frames)
            )
            alike = embeddings(JUDGE, probes) @ embeddings(JUDGE, gallery).T
            likest = gallery.identities[alike.argmax(1)]
            own = {numbers[who] for who in shown[name]}
            hits.append(len(own & set(likest.tolist())))
        one = {"faces": len(shown[name]), "before": hits[0], "after": hits[1]}
        files.append({"name": name, **one, "dssim": outcome.dssim})
    return {"files": files}


def tables(measured: Measured) -> dict[str, str]:
    """`protected`, a sentence, and `protected files`."""
    files = measured["files"]
    rows = [
        (f["name"], *(str(f[k]) for k in ("faces", "before", "after")), f"{f['dssim']:.3f}")
        for f in files
    ]
    faces, before, after = (sum(f[k] for f in files) for k in ("faces", "before", "after"))
    seen, high = [f["dssim"] for f in files], clopper_pearson(after, faces)[1]
    sentence = (
        f"{before} of {faces} faces are found as themselves before, {after} of {faces} after "
        f"(95%: at most {high:.2f}), at\nDSSIM {min(seen):.3f} to {max(seen):.3f}. "
        f"{len(files)} files, one cloak: a small sample."
    )
    columns = ("file", "faces", "clean: found as themselves", "cloaked", "DSSIM")
    return {"protected": sentence, "protected files": record.table(columns, rows)}


def compose(photos: list[Photo], root: Path) -> Iterator[tuple[str, list[str]]]:
    """Writes one file of each kind; yields its name and the people in it."""
    opened = [Image.open(io.BytesIO(photo.read())).convert("RGB") for photo in photos]
    who = [photo.identity for photo in photos]
    tags = Image.Exif()
    tags[0x0112] = 6
    tags.get_ifd(0x8825)[1] = "N"
    two = Image.new("RGB", (500, 250))
    two.paste(opened[0], (0, 0))
    two.paste(opened[1], (250, 0))
    two.save(root / "two people.png")
    yield "two people.png", who[:2]
    grey16 = Image.fromarray(np.asarray(opened[7].convert("L")).astype(np.uint16) * 257)
    kinds: list[tuple[str, Image.Image, dict[str, object]]] = [
        ("200 pixels.png", opened[2].resize((200, 200)), {}),
        ("24 megapixels.jpg", opened[3].resize((4900, 4900)), {"quality": 90}),
        ("12 megapixels.jpg", opened[4].resize((3464, 3464)), {"quality": 90}),
        ("grey.jpg", opened[5].convert("L"), {"quality": 95}),
        ("cmyk.jpg", opened[6].convert("CMYK"), {"quality": 95}),
        ("16 bit.png", grey16, {}),
        ("by exif.jpg", opened[8].transpose(Image.Transpose.ROTATE_90), {"exif": tags}),
        ("webp.webp", opened[9], {"quality": 90}),
        ("as it was.jpg", opened[10], {"quality": 95}),
    ]
    for i, (name, picture, options) in enumerate(kinds):
        picture.save(root / name, **options)  # type: ignore[arg-type]
        yield name, [who[2 + i]]


if __name__ == "__main__":
    record.alone("protected", sys.modules[__name__])
