"""How alike are a photo and its cloaked copy, and two photos of one person?

`python -m benchmarks.alike`: correlation of aligned faces, by which copies are matched whose names
say nothing. Ten photos each of forty people of LFW, and one cloaked photo each of 24 of them, as a
platform may have made it.
"""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Generator

from benchmarks.lfw import WORK, found
from lowkey_core import cloaks, datasets, recognisers, transforms
from lowkey_core.faces.same_photo import correlation
from lowkey_core.publish.tool import CloakTool
from lowkey_core.types import Network, Pictures
from lowkey_core.work import runtime

PEOPLE, EACH, CLOAKED = 40, 10, 24
BARS = (0.8, 0.85, 0.9, 0.95, 0.97, 0.99)
SERVED = ("none", "jpeg:30", "resize:0.5+jpeg:75", "blur:2")


def surrogates() -> list[Network]:
    """Those that cloak best of what LowKey's time had."""
    return [recognisers.network(name) for name in ("dlib", "mobilefacenet:casia")]


def main() -> None:
    """Prints how many pairs of different photos are as alike as each bar, and the copies' least."""
    runtime.tune()
    people = [own[:EACH] for own in datasets.load("lfw").by_identity.values() if len(own) >= EACH]
    photos = [photo for own in people[:PEOPLE] for photo in own]
    numbers = {photo.identity: i for i, photo in enumerate(photos[::EACH])}
    clean = found(photos, numbers)
    others = torch.tensor(
        [
            correlation(one.face(), other.face())
            for who in clean.people
            for one, other in combinations(clean.select(clean.identities == who).items, 2)
        ]
    )
    alike = ", ".join(f"{int((others >= bar).sum())} from {bar:g}" for bar in BARS)
    print(f"of {len(others)} pairs of photos of one person: {alike}; median {others.median():.2f}")
    firsts = [int((clean.identities == who).nonzero()[0]) for who in clean.people[:CLOAKED]]
    own = Pictures(tuple(clean.items[i] for i in firsts))
    tool = CloakTool("lowkey", cloaks.load("lowkey", surrogates, WORK), WORK)
    copies = tool(own, Generator().manual_seed(0))
    for name in SERVED:
        transform = transforms.load(name)
        pairs = zip(own.items, copies.items, strict=True)
        least = min(correlation(a.face(), b.served(name, transform).face()) for a, b in pairs)
        print(f"of {len(own)} photos and their cloaked copies, {name}: {least:.3f} at least")


if __name__ == "__main__":
    main()
