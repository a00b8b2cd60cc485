"""What the zoo is worth on real faces that it never saw. `python -m benchmarks.zoo`

60 people of LFW and 1,000 strangers were kept out of all training. Prints each member's rank-1 on
them and what it costs, then the protection of cloaks made with the two surrogates alone against
recognisers that taught none of them.
"""

from __future__ import annotations

import torch
from torch import Generator

from audit.plan import AGAINST_THE_ZOO
from benchmarks.lfw import WORK, faces, rank_one
from benchmarks.recognition import cost
from lowkey_core import cloaks, recognisers
from lowkey_core.faces.visibility import dssim
from lowkey_core.matchers import nearest, ranking, ranks_of
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.publish.published import Published
from lowkey_core.recognisers import zoo
from lowkey_core.types import Faces, Pictures
from lowkey_core.work import runtime

ENROLLED = 4
"""Pictures of each of the 60 that are cloaked and enrolled."""


def protection(
    judges: tuple[str, ...], surrogates: tuple[str, ...]
) -> tuple[dict[str, float], float]:
    """1 - rank-1 against each judge, and the cloaks' mean DSSIM."""
    gallery, probes = faces(untaught=True)
    known = [
        int(i)
        for who in probes.identities.unique()
        for i in (gallery.identities == who).nonzero().flatten()[:ENROLLED]
    ]
    strangers = torch.isin(gallery.identities, probes.identities).logical_not()
    own = gallery.select(known)
    cloak = cloaks.load("lowkey", [recognisers.load(name) for name in surrogates], AGAINST_THE_ZOO)
    published = Published(cloak, WORK, label="cloaking")
    pictures = Pictures(own.images, own.identities, tuple(map(str, known)))
    cloaked = Faces(published(pictures, Generator().manual_seed(0)), own.identities)
    enrolled = cloaked.join(gallery.select(strangers))
    missed = {}
    for judge in judges:
        embed = FlipAveraged(recognisers.load(judge))
        score = nearest(embed.embed(enrolled, WORK), enrolled.identities)
        found = ranking(score(embed.embed(probes, WORK)), enrolled.identities.unique())
        missed[judge] = float((ranks_of(found, probes.identities) > 1).float().mean())
    return missed, float(dssim(own.images, cloaked.images).mean())


def main() -> None:
    """Prints Markdown tables."""
    runtime.tune()
    print("| recogniser | rank-1 | cost of a view, dlib = 1 |\n| --- | --- | --- |")
    reference = cost("dlib")
    for name in (*(f"zoo:{member}" for member in zoo.MEMBERS), "dlib"):
        hits, probes = rank_one(recognisers.load(name), untaught=True)
        print(f"| {name} | {hits / probes:.3f} | {cost(name) / reference:.2f} |", flush=True)
    surrogates = ("zoo:ir-arcface", "zoo:resnet-cosface")
    missed, seen = protection(("dlib", "mobilefacenet:casia", "zoo:mobile", "zoo:vit"), surrogates)
    print(f"\nCloaked with {' and '.join(surrogates)}, mean DSSIM {seen:.4f}:\n")
    print("| against | protection |\n| --- | --- |")
    for name, rate in missed.items():
        print(f"| {name} | {rate:.3f} |")


if __name__ == "__main__":
    main()
