"""How alike faces are: of a photo and its copies, of two photos of one person, and of two people.
`python -m benchmarks.likeness`

60 people of LFW with ten photos each, and 200 strangers. Every fourth photo is encoded again as it
is, smaller, brighter, or turned by three degrees, as frames of one scene may be, and its face found
anew. Thresholds of `audit/likenesses.py` and `lowkey_core/publish/wanted.py` were read off
here. LFW itself holds a few photos twice, and a few under a wrong name.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from benchmarks.lfw import WORK, embeddings, found
from lowkey_core import datasets, recognisers
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.photo import MadePhoto, Photo
from lowkey_core.publish.wanted import RECOGNISER, clustered, embedded
from lowkey_core.training.faces import kept_out
from lowkey_core.types import Pictures
from lowkey_core.work import runtime

PEOPLE, EACH, STRANGERS = 60, 10, 200
RECOGNISERS = ("mobilefacenet:ms1m", "edgeface:xxs", "dlib")
COPIES: dict[str, Callable[[Image.Image], tuple[Image.Image, int]]] = {
    "JPEG 75": lambda photo: (photo, 75),
    "JPEG 30": lambda photo: (photo, 30),
    "half as large": lambda photo: (photo.resize((125, 125), Image.Resampling.LANCZOS), 85),
    "turned": lambda photo: (photo.rotate(3, Image.Resampling.BICUBIC), 85),
    "brighter": lambda photo: (photo.point([min(255, v * 5 // 4) for v in range(256)] * 3), 85),
}
"""From a photo to its copy and the quality of that."""


def main() -> None:
    """Prints shares of pairs above thresholds."""
    runtime.tune()
    lfw = datasets.load("lfw")
    people = {who: own for who, own in lfw.by_identity.items() if who in kept_out(lfw)}
    many = [own[:EACH] for own in people.values() if len(own) >= EACH][:PEOPLE]
    single = [own[0] for own in people.values() if len(own) == 1][:STRANGERS]
    photos = [photo for own in many for photo in own] + single
    originals = _pictures(photos)
    copied = {name: [_copy(p, name) for p in photos[: len(many) * EACH : 4]] for name in COPIES}
    copies = {name: _pictures(own) for name, own in copied.items()}
    for name in RECOGNISERS:
        _print(name, originals, copies)
    _groups(originals)


def _pictures(photos: Sequence[Photo]) -> Pictures:
    numbers = {who: i for i, who in enumerate(dict.fromkeys(p.identity for p in photos))}
    return found(photos, numbers)


def _copy(photo: Photo, name: str) -> Photo:
    changed, quality = COPIES[name](Image.fromarray(decode_pixels(photo.read(), photo.name)))
    content = io.BytesIO()
    changed.save(content, "JPEG", quality=quality)
    return MadePhoto(photo.identity, photo.name, Path(name), written=content.getvalue())


def _print(
    name: str,
    originals: Pictures,
    copies: dict[str, Pictures],
) -> None:
    vectors = embeddings(name, originals)
    likeness = vectors @ vectors.T
    upper = torch.ones_like(likeness).triu(1).bool()
    same = originals.identities[:, None] == originals.identities
    one, two = likeness[upper & same], likeness[upper & ~same]
    rows = {photo: i for i, photo in enumerate(originals.names)}
    alike = {}
    for how, pictures in copies.items():
        kept = [i for i, photo in enumerate(pictures.names) if photo in rows]
        own = vectors[[rows[pictures.names[i]] for i in kept]]
        alike[how] = (embeddings(name, pictures.select(kept)) * own).sum(1)
    print(f"\n{name}: {len(one)} pairs of one person, {len(two)} of two, copies of {len(kept)}")
    own, others = _to_means(vectors, originals.identities)
    print(f"likeness  {'  '.join(alike)}  one person  two people  to own mean  to another's mean")
    for bar in BARS:
        shares = [f"{float((v >= bar).float().mean()):.3f}" for v in alike.values()]
        pairs = "  ".join(_share(pairs, bar) for pairs in (one, two, own, others))
        print(f"{bar:<9} {'  '.join(shares)}  {pairs}")


BARS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.93, 0.935, 0.94, 0.945,
        0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995)  # fmt: skip


def _groups(originals: Pictures) -> None:
    """Of `protect --faces mine`: folders of six photos of somebody and two of another, each photo
    with a stranger in it."""
    network = recognisers.network(RECOGNISER)
    vectors = embedded(originals.faces(), network, WORK)
    whose = originals.identities
    folders = []
    for who in whose.unique()[:PEOPLE].tolist():
        hers, friends = (whose == n for n in (who, (who + 1) % PEOPLE))
        strangers = (whose >= PEOPLE).nonzero().flatten()
        start = 8 * who % (len(strangers) - 8)
        parts = (hers.nonzero()[:6, 0], friends.nonzero()[:2, 0], strangers[start : start + 8])
        folders.append(torch.cat(parts))
    print(f"\n{len(folders)} folders: whose largest group is of one person, and her faces in it")
    for bar in GROUPED:
        pure, hits = 0, 0
        for folder in folders:
            groups = torch.tensor(clustered(vectors[folder], bar))
            first = groups == groups.mode().values
            pure += bool(first[6:].sum() == 0)
            hits += int(first[:6].sum())
        print(f"joined at {bar}: {pure} folders, {hits} of {6 * len(folders)} faces")
    own, others = _to_means(vectors, whose)
    for bar in GROUPED:
        hers, theirs = _share(own, bar), _share(others, bar)
        print(f"{bar} like the mean of five faces: {hers} other faces of hers, {theirs} of others")


def _to_means(vectors: Tensor, whose: Tensor) -> tuple[Tensor, Tensor]:
    """Likeness to the mean of five faces of each person: of the person's other faces, and of
    everybody else's."""
    own, others = [], []
    for who in whose.unique()[:PEOPLE].tolist():
        rows = (whose == who).nonzero().flatten()
        mean = F.normalize(vectors[rows[:5]].sum(0), dim=0)
        own.append(vectors[rows[5:]] @ mean)
        others.append(vectors[whose != who] @ mean)
    return torch.cat(own), torch.cat(others)


GROUPED = (0.91, 0.92, 0.93, 0.935, 0.94, 0.945, 0.95, 0.955, 0.96)


def _share(likeness: Tensor, bar: float) -> str:
    return f"{int((likeness >= bar).sum())} ({float((likeness >= bar).float().mean()):.6f})"


if __name__ == "__main__":
    main()
