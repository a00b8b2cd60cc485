"""What the zoo is worth on real faces that it never saw. `python -m benchmarks.zoo`

60 people of LFW and 1,000 strangers were kept out of all training: each member's rank-1 on them and
what it costs, then the protection of cloaks made with the two surrogates alone against recognisers
that taught none of them.
"""

from __future__ import annotations

import sys

from benchmarks import record
from benchmarks.lfw import WORK, cost, own, rank_one
from benchmarks.record import Measured
from lowkey_core import cloaks, recognisers
from lowkey_core.faces.visibility import dssim
from lowkey_core.work import runtime

TIMED = True
PEOPLE, ENROLLED = 60, 4
"""Of each of the 60 so many pictures are cloaked and enrolled."""
SURROGATES = ("zoo:ir-arcface", "zoo:resnet-cosface")
JUDGES = ("dlib", "mobilefacenet:casia", "zoo:mobile", "zoo:vit")
MEMBERS = {
    "zoo:ir-arcface": (
        "improved residual units, ArcFace's margin",
        "mobilefacenet:ms1m (Apache-2.0)",
        "surrogate",
    ),
    "zoo:resnet-cosface": ("ResNet, CosFace's margin", "mobilefacenet:ms1m", "surrogate"),
    "zoo:mobile": ("inverted residuals, depthwise convolutions", "dlib (CC0)", "unseen recogniser"),
    "zoo:vit": ("attention over 49 patches, found by convolutions", "dlib", "unseen recogniser"),
}
"""Kind, teacher and role of each."""


def measure() -> Measured:
    """Per recogniser hits, probes and seconds for 64 faces; per judge probes missed."""
    runtime.tune()
    found = {}
    for name in (*MEMBERS, "dlib"):
        hits, probes = rank_one(name, untaught=True)
        found[name] = {"hits": hits, "probes": probes, "seconds": cost(name)}
    theirs = own(PEOPLE, ENROLLED, untaught=True)
    surrogates = [recognisers.network(name) for name in SURROGATES]
    published, usual = (
        theirs.cloaked(cloaks.load(name, lambda: surrogates), WORK, "cloaking")
        for name in ("lowkey", "lowkey:ssim_price=10")
    )
    return {
        "recognisers": found,
        "cloaks": {
            "dssim": float(dssim(theirs.clean.faces(), published.faces()).mean()),
            "usual_dssim": float(dssim(theirs.clean.faces(), usual.faces()).mean()),
            "missed": {judge: list(theirs.missed(judge, published)) for judge in JUDGES},
        },
    }


def tables(measured: Measured) -> dict[str, str]:
    """`zoo recognisers`, `zoo members`, `zoo cloaks`."""
    found, cloaked = measured["recognisers"], measured["cloaks"]
    rates = {name: one["hits"] / one["probes"] for name, one in found.items()}
    costs = {name: one["seconds"] / found["dlib"]["seconds"] for name, one in found.items()}
    recognised = [(name, f"{rates[name]:.3f}", f"{costs[name]:.2f}") for name in found]
    members = [(f"`{name}`", *said, f"{rates[name]:.2f}") for name, said in MEMBERS.items()]
    missed = ", ".join(f"{j} {n / of:.3f}" for j, (n, of) in cloaked["missed"].items())
    return {
        "zoo recognisers": record.table(
            ("recogniser", "rank-1", "cost of a view, dlib = 1"), recognised
        ),
        "zoo members": record.table(("member", "kind", "taught by", "for", "rank-1"), members),
        "zoo cloaks": "Four pictures of each of the 60 cloaked with `zoo:ir-arcface` and "
        "`zoo:resnet-cosface` alone, as\n`protect` does by default (mean DSSIM "
        f"{cloaked['dssim']:.4f}), protect against recognisers that taught neither:\n{missed}.\n"
        "With the price of visibility that `lowkey` asks of other surrogates, 10 instead of 16, "
        f"mean DSSIM is {cloaked['usual_dssim']:.4f}.",
    }


if __name__ == "__main__":
    record.alone("zoo", sys.modules[__name__])
