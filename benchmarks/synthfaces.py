"""Are SynthFaces faces, of people who can be told apart, and who do not exist?

`python -m benchmarks.synthfaces` prints the figures, with LFW's own beside them, and draws the
contact sheet of 40 people.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
import torch
from PIL import Image

from benchmarks import record
from benchmarks.lfw import WORK, embeddings, found
from benchmarks.record import Measured
from lowkey_core import datasets
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import Embeddings, Pictures
from lowkey_core.work import runtime

TIMED = False
PEOPLE, ENROLLED = 150, 5
JUDGES = ("dlib", "edgeface:xxs", "mobilefacenet:casia")
PAINTED_WITH = ("dlib",)
"""Took part in making the pictures; the others did not."""
SHEET = record.ROOT / "docs" / "synthfaces.jpg"
_SHEET, _ROW = 40, 10


@dataclass(frozen=True)
class Figures:
    """What one recogniser says of the pictures."""

    hits: int
    """By 1-NN, of the pictures that are not enrolled, in a gallery of five of each person."""
    probes: int
    genuine: float
    """Mean cosine of two pictures of one person, persons counting alike."""
    impostor: float
    """Of two people."""


def people(name: str) -> list[tuple[Photo, ...]]:
    """The first 150 with the most pictures, 14 of each at most."""
    known = datasets.load(name, WORK).by_identity.values()
    return [photos[:14] for photos in sorted(known, key=len, reverse=True)][:PEOPLE]


@cache
def faces(name: str) -> tuple[Pictures, int]:
    """Of a data set's `people`, aligned; and in how many pictures there is none."""
    known = people(name)
    numbers = {photos[0].identity: i for i, photos in enumerate(known)}
    pictures = [p for photos in known for p in photos]
    seen = found(pictures, numbers)
    return seen, len(pictures) - len(seen)


def figures(judge: str, which: Pictures) -> Figures:
    """Of one recogniser, by 1-NN."""
    vectors, who = embeddings(judge, which), which.identities
    order = torch.stack([(who[:i] == who[i]).sum() for i in range(len(who))])
    gallery = order < ENROLLED
    nearest = (vectors[~gallery] @ vectors[gallery].T).argmax(1)
    hits = who[gallery][nearest] == who[~gallery]
    cosines = vectors @ vectors.T
    itself = torch.eye(len(who)).bool()
    own = [cosines[who == i][:, who == i] for i in who.unique()]
    within = [c[~torch.eye(len(c)).bool()].mean() for c in own if len(c) > 1]
    return Figures(
        int(torch.count_nonzero(hits)),
        len(hits),
        float(torch.stack(within).mean()),
        float(cosines[(who[:, None] != who) & ~itself].mean()),
    )


def real_people_found(judge: str) -> tuple[int, int, float]:
    """How many of the 150, by their first picture, find somebody in all of LFW.

    The threshold is the similarity that 1 in 1,000 strangers (of one picture each) reaches with
    anybody but himself. Returns how many do, of how many, and the threshold.
    """
    lfw = datasets.load("lfw").by_identity
    photos = [p for mine in lfw.values() for p in mine]
    numbers = {who: i for i, who in enumerate(lfw)}
    enrolled = found(photos, numbers)
    gallery = embeddings(judge, enrolled)
    counts = torch.bincount(enrolled.identities)
    strangers = (counts[enrolled.identities] == 1).nonzero().flatten()
    best = [_best_but(gallery, row) for row in strangers.tolist()]
    threshold = sorted(best, reverse=True)[len(best) // 1000]
    drawn, _ = faces("synthetic")
    first = [int((drawn.identities == i).nonzero()[0]) for i in drawn.identities.unique()]
    vectors = embeddings(judge, drawn)[first]
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


def measure() -> Measured:
    """What each judge says of the drawings and of LFW; draws the contact sheet."""
    runtime.tune()
    sheet([photos[0] for photos in people("synthetic")[:_SHEET]]).save(SHEET, quality=90)
    drawn, lost = faces("synthetic")
    judges: Measured = {}
    for name in JUDGES:
        said = {data: asdict(figures(name, faces(data)[0])) for data in ("synthetic", "lfw")}
        real = dict(zip(("found", "of", "threshold"), real_people_found(name), strict=True))
        judges[name] = {**said, "real": real}
    return {"found": len(drawn), "pictures": len(drawn) + lost, "judges": judges}


def tables(measured: Measured) -> dict[str, str]:
    """`synthfaces`, and the sentences `synthfaces found` and `synthfaces alike`."""
    rows, gaps, bars = [], [], []
    for name, said in measured["judges"].items():
        for data in ("synthetic", "lfw"):
            f, real = said[data], ""
            if data == "synthetic":
                real = "{found} of {of} at {threshold:.3f}".format(**said["real"])
            alike = (f"{f[k]:.3f}" for k in ("genuine", "impostor"))
            rows.append((name, data, f"{f['hits'] / f['probes']:.3f}", *alike, real))
        bars.append(said["real"]["threshold"])
        if name not in PAINTED_WITH:
            gaps.append(said["synthetic"]["impostor"] - said["lfw"]["impostor"])
    columns = ("recogniser", "pictures", "rank-1", "genuine", "impostor", "who find a real person")
    found, of = measured["found"], measured["pictures"]
    return {
        "synthfaces": record.table(columns, rows),
        "synthfaces found": f"{PEOPLE} people with 14 pictures each, five enrolled; MTCNN finds "
        f"the face in {found:,} of the {of:,}. Beside\nthem LFW. Only dlib had a part in making "
        "the pictures.",
        "synthfaces alike": "What all drawings have in common costs "
        f"{min(gaps):.2f} to {max(gaps):.2f} of the cosine between two people, by recognisers\n"
        "that had no part; a critic that tells drawings from photos would be the next thing to "
        "try.",
        "synthfaces threshold": "The last column: the threshold is what 1 in 1,000 strangers "
        f"reaches with somebody else in all of LFW. (It is\n{min(bars):.2f} and more, so probably "
        "set by people whom LFW shows under two names: a lenient bar.)",
    }


if __name__ == "__main__":
    record.alone("synthfaces", sys.modules[__name__])
