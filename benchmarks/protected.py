"""Is anybody in files that `protect` wrote still found? `python -m benchmarks.protected`

Photos of eleven people of LFW, each made into another kind of file (200 pixels to 24 megapixels,
two people in one, grey, CMYK, 16 bits, turned by EXIF, with GPS), are cloaked by the command itself
with dlib and mobilefacenet:casia. Then mobilefacenet:ms1m, which had no part in it, looks for every
face that MTCNN finds in photo and copy among 600 strangers and other, clean pictures of the people.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.lfw import WORK
from lowkey_core import datasets, recognisers
from lowkey_core.faces.detection import find
from lowkey_core.matchers import nearest, ranking
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.photos.photo import Photo
from lowkey_core.publish.ledger import read
from lowkey_core.types import Faces
from lowkey_core.work import runtime

ENROLLED, STRANGERS = 5, 600


def main() -> None:
    """Prints a Markdown table and the counts."""
    runtime.tune()
    people = datasets.load("lfw").by_identity
    known = [photos for photos in people.values() if len(photos) >= 10][:11]
    strangers = [photos[0] for photos in people.values() if len(photos) == 1][:STRANGERS]
    enrolled = [p for photos in known for p in photos[1 : 1 + ENROLLED]] + strangers
    numbers = {who: i for i, who in enumerate(dict.fromkeys(p.identity for p in enrolled))}
    embed = FlipAveraged(recognisers.load("mobilefacenet:ms1m"))
    gallery = faces(enrolled, [numbers[p.identity] for p in enrolled])
    score = nearest(embed.embed(gallery, WORK), gallery.identities)
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "photos", Path(folder) / "copies"
        root.mkdir()
        shown = dict(compose([photos[0] for photos in known], root))
        command = [sys.executable, "cli.py", "protect", str(root), "--out", str(out)]
        surrogates = ["--surrogate", "dlib,mobilefacenet:casia"]
        subprocess.run([*command, *surrogates], check=True)
        print(
            "| file | faces | clean: found as themselves | cloaked: found as themselves | DSSIM |"
        )
        print("| --- | --- | --- | --- | --- |")
        total, was, still = 0, 0, 0
        for name, outcome in sorted((outcome.name, outcome) for outcome in read(out)):
            hits = []
            for path in (root / name, out / outcome.copy):
                (found,) = find([Photo("", name, path)], WORK)
                probes = Faces(found.faces, torch.full((len(found.faces),), -1))
                ranked = ranking(score(embed.embed(probes, WORK)), gallery.identities.unique())
                own = {numbers[who] for who in shown[name]}
                hits.append(len(own & set(ranked[:, 0].tolist())))
            count = len(shown[name])
            total, was, still = total + count, was + hits[0], still + hits[1]
            print(f"| {name} | {count} | {hits[0]} | {hits[1]} | {outcome.dssim:.3f} |")
        print(f"\n{was} of {total} faces found before, {still} after")


def faces(photos: list[Photo], identities: list[int]) -> Faces:
    """The main face of every photo that has one."""
    found = find(photos, WORK)
    rows = [i for i, f in enumerate(found) if len(f.faces)]
    images = torch.cat([found[i].faces[:1] for i in rows])
    return Faces(images, torch.tensor([identities[i] for i in rows]))


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
    main()
