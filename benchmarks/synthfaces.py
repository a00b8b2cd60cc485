"""Are SynthFaces faces, of people who can be told apart, and who do not exist?

`python -m benchmarks.synthfaces [SHEET.jpg]` prints the figures, with LFW's own beside them, and
draws a contact sheet of 40 people.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from PIL import Image

from audit.photographs import align
from benchmarks.lfw import WORK
from lowkey_core import datasets, recognisers
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import Embeddings, Faces
from lowkey_core.work import runtime

PEOPLE, ENROLLED = 150, 5
JUDGES = ("dlib", "edgeface:xxs", "mobilefacenet:casia")
"""The first took part in making the pictures, the others did not."""
_SHEET, _ROW = 40, 10


@dataclass(frozen=True)
class Figures:
    """What one recogniser says of the pictures."""

    rank_one: float
    """Of the pictures that are not enrolled, in a gallery of five of each person."""
    genuine: float
    """Mean cosine of two pictures of one person, persons counting alike."""
    impostor: float
    """Of two people."""


def people(name: str) -> list[tuple[Photo, ...]]:
    """The first 150 with the most pictures, 14 of each at most."""
    known = datasets.load(name, WORK).by_identity.values()
    return [photos[:14] for photos in sorted(known, key=len, reverse=True)][:PEOPLE]


@cache
def faces(name: str) -> tuple[Faces, int]:
    """Of a data set's `people`, aligned; and in how many pictures there is none."""
    known = people(name)
    numbers = {photos[0].identity: i for i, photos in enumerate(known)}
    aligned = align([p for photos in known for p in photos], WORK)
    found = aligned.pictures([p for photos in known for p in photos], numbers)
    return Faces(found.images, found.identities), len(aligned.no_face)


def figures(embed: FlipAveraged, which: Faces) -> Figures:
    """Of one recogniser, by 1-NN."""
    vectors, who = embed.embed(which, WORK), which.identities
    order = torch.stack([(who[:i] == who[i]).sum() for i in range(len(who))])
    gallery = order < ENROLLED
    nearest = (vectors[~gallery] @ vectors[gallery].T).argmax(1)
    hits = who[gallery][nearest] == who[~gallery]
    cosines = vectors @ vectors.T
    itself = torch.eye(len(who)).bool()
    own = [cosines[who == i][:, who == i] for i in who.unique()]
    within = [c[~torch.eye(len(c)).bool()].mean() for c in own if len(c) > 1]
    return Figures(
        float(hits.float().mean()),
        float(torch.stack(within).mean()),
        float(cosines[(who[:, None] != who) & ~itself].mean()),
    )


def real_people_found(embed: FlipAveraged) -> tuple[int, int, float]:
    """How many of the 150, by their first picture, find somebody in all of LFW.

    The threshold is the similarity that 1 in 1,000 strangers (of one picture each) reaches with
    anybody but himself. Returns how many do, of how many, and the threshold.
    """
    lfw = datasets.load("lfw").by_identity
    photos = [p for mine in lfw.values() for p in mine]
    numbers = {who: i for i, who in enumerate(lfw)}
    found = align(photos, WORK).pictures(photos, numbers)
    gallery = embed.embed(Faces(found.images, found.identities), WORK)
    counts = torch.bincount(found.identities)
    strangers = (counts[found.identities] == 1).nonzero().flatten()
    best = [_best_but(gallery, row) for row in strangers.tolist()]
    threshold = sorted(best, reverse=True)[len(best) // 1000]
    drawn, _ = faces("synthetic")
    first = [int((drawn.identities == i).nonzero()[0]) for i in drawn.identities.unique()]
    vectors = embed.embed(drawn, WORK)[first]
    return int(((vectors @ gallery.T).amax(1) > threshold).sum()), len(first), threshold


def _best_but(gallery: Embeddings, row: int) -> float:
    cosines = gallery @ gallery[row]
    cosines[row] = -1
    return float(cosines.max())


def sheet(pictures: Sequence[Photo]) -> Image.Image:
    """Side by side, ten a row."""
    tiles = [decode_pixels(p.read(), p.name) for p in pictures]
    rows = [np.concatenate(tiles[i : i + _ROW], 1) for i in range(0, len(tiles), _ROW)]
    return Image.fromarray(np.concatenate(rows, 0))


def main() -> None:
    """Prints Markdown tables."""
    runtime.tune()
    found, lost = faces("synthetic")
    print(f"MTCNN finds a face in {len(found)} of {len(found) + lost} pictures.\n")
    print("| recogniser | pictures | rank-1 | genuine | impostor | who find a real person |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in JUDGES:
        embed = FlipAveraged(recognisers.load(name))
        for data in ("synthetic", "lfw"):
            f = figures(embed, faces(data)[0])
            drawn = data == "synthetic"
            existing = "{} of {} at {:.3f}".format(*real_people_found(embed)) if drawn else ""
            print(
                f"| {name} | {data} | {f.rank_one:.3f} | {f.genuine:.3f} | {f.impostor:.3f} "
                f"| {existing} |",
                flush=True,
            )
    if len(sys.argv) > 1:
        sheet([photos[0] for photos in people("synthetic")[:_SHEET]]).save(sys.argv[1], quality=90)


if __name__ == "__main__":
    main()
