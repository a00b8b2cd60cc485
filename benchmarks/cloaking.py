"""Views in turn against both views at every step. `python -m benchmarks.cloaking`

48 pictures of 12 people, surrogates dlib and mobilefacenet:casia; protection against recognisers
that had no part, searched among the other pictures of `benchmarks.lfw`.
"""

from __future__ import annotations

import time
from dataclasses import replace

import torch
from torch import Generator

from benchmarks.lfw import WORK, faces
from lowkey_core import recognisers
from lowkey_core.cloaks.lowkey import SCHEDULES, LowKey
from lowkey_core.faces.visibility import dssim
from lowkey_core.matchers import nearest, ranking, ranks_of
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.publish.published import Published
from lowkey_core.types import Faces, Images, Pictures
from lowkey_core.work import runtime
from lowkey_core.work.work import Work

PEOPLE, EACH = 12, 4
UNSEEN = ("mobilefacenet:ms1m", "edgeface:xxs")


def main() -> None:
    """Prints a Markdown table; cost is relative to the default's."""
    runtime.tune()
    surrogates = [recognisers.load(n) for n in ("dlib", "mobilefacenet:casia")]
    gallery, probes = faces()
    mine = torch.cat(
        [(gallery.identities == who).nonzero().flatten()[:EACH] for who in range(PEOPLE)]
    )
    clean = gallery.select(mine)
    pictures = Pictures(clean.images, clean.identities, clean.digests)
    first = 0.0
    print("| schedule | cost | DSSIM | protection against " + " | ".join(UNSEEN) + " |")
    print("| --- " * (3 + len(UNSEEN)) + "|")
    for label, schedule in {
        "`lowkey`: one of four views a step": SCHEDULES[""],
        "both views, mirror averaged, at every step": replace(SCHEDULES[""], in_turn=False),
    }.items():
        start = time.perf_counter()
        cloak = Published(LowKey(surrogates, schedule), Work(), label="")
        cloaked = cloak(pictures, Generator().manual_seed(0))
        seconds = time.perf_counter() - start
        first = first or seconds
        rates = [protection(name, cloaked, clean, gallery, probes) for name in UNSEEN]
        visible = dssim(clean.images, cloaked).mean()
        print(
            f"| {label} | {seconds / first:.2f} | {visible:.4f} | "
            + " | ".join(f"{r:.2f}" for r in rates)
            + " |"
        )


def protection(name: str, cloaked: Images, clean: Faces, gallery: Faces, probes: Faces) -> float:
    """Rank-1 errors of these people's probes, their gallery being the cloaked pictures."""
    embed = FlipAveraged(recognisers.load(name))
    enrolled = gallery.select(gallery.identities >= PEOPLE).join(Faces(cloaked, clean.identities))
    hers = probes.select(probes.identities < PEOPLE)
    score = nearest(embed.embed(enrolled, WORK), enrolled.identities)
    identified = ranking(score(embed.embed(hers, WORK)), enrolled.identities.unique())
    return float((ranks_of(identified, hers.identities) > 1).float().mean())


if __name__ == "__main__":
    main()
