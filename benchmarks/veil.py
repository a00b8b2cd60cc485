"""What each part of `veil` is worth. `python -m benchmarks.veil`

Chosen on people of LFW whom the zoo may have learned from, against recognisers that are neither
surrogates nor the ones that `veil` is measured against in the end (edgeface:xxs and
mobilefacenet:ms1m). Every recipe is made at two prices of visibility, and compared at one DSSIM.
"""

from __future__ import annotations

import sys
from functools import partial

import torch

from benchmarks import record
from benchmarks.lfw import Own, faces
from benchmarks.record import Measured
from lowkey_core import datasets, recognisers
from lowkey_core.cloaks import load
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.faces.visibility import dssim
from lowkey_core.training.faces import kept_out
from lowkey_core.types import Pictures
from lowkey_core.work import runtime
from lowkey_core.work.work import Work

TIMED = True
PEOPLE, EACH = 32, 4
SURROGATES = ("dlib", "mobilefacenet:casia")
JUDGES = ("mobilefacenet:faceplugin", "zoo:resnet-cosface", "zoo:mobile")
PRICES = (24, 60)
AT = 0.014
"""DSSIM at which recipes are compared."""
BARE = "veil:transformer=false:warp=0:away=picture:spread=0"
RECIPES = {
    "`lowkey`": "lowkey",
    "`veil` without any part": BARE,
    "with the transformer": "veil:warp=0:away=picture:spread=0",
    "and away from the person": "veil:warp=0:spread=0",
    "and warped": "veil:spread=0",
    "and spread, 0.25": "veil:spread=0.25",
    "and spread, 1: `veil`": "veil",
    "`veil` in 24 steps of 0.005": "veil:steps=24:step_size=0.005",
    "warped twice as much, not spread": "veil:warp=2:spread=0",
    "momentum 0.5, not spread": "veil:momentum=0.5:spread=0",
    "a price on colour, not spread": "veil:chroma=20:spread=0",
}


def measure() -> Measured:
    """Per recipe and price: DSSIM, probes missed by each judge, seconds per face, and how often a
    cloaked picture finds another one of its person. A finished one is not repeated."""
    runtime.tune()
    theirs = _others()
    return {
        "recipes": {
            label: [
                record.piece(f"veil-{name}-{price}".replace(":", "_"), partial(_one, theirs, full))
                for price in PRICES
                for full in (f"{name}:ssim_price={price}",)
            ]
            for label, name in RECIPES.items()
        }
    }


def _others() -> Own:
    """People whom the zoo was not kept from."""
    gallery, probes = faces()
    out = kept_out(datasets.load("lfw"))
    named = {p.identity: p.photo.identity for p in gallery.items if isinstance(p, PhotoPicture)}
    several = set(probes.people)
    people = [who for who in sorted(several) if named[who] not in out][:PEOPLE]
    rows = [(gallery.identities == who).nonzero().flatten()[:EACH] for who in people]
    mine = torch.isin(gallery.identities, torch.tensor(people))
    return Own(gallery.select(torch.cat(rows)), gallery.select(~mine), probes.of(people))


def _one(theirs: Own, name: str) -> Measured:
    surrogates = [recognisers.network(n) for n in SURROGATES]
    work = Work()
    published = theirs.cloaked(load(name, lambda: surrogates, work), work, name)
    return {
        "dssim": float(dssim(theirs.clean.faces(), published.faces()).mean()),
        "missed": {judge: list(theirs.missed(judge, published)) for judge in JUDGES},
        "mutual": {judge: list(mutual(theirs, published, judge, EACH)) for judge in JUDGES},
        "seconds": work.mean_seconds(name),
    }


def mutual(theirs: Own, published: Pictures, judge: str, each: int) -> tuple[int, int]:
    """How many cloaked pictures find another cloaked one of their person first, and of how many:
    each searches among the others and everybody else's clean ones. each: pictures of a person."""
    found = 0
    for i in range(each):
        rows = torch.arange(len(published)) % each == i
        own = Own(published.select(~rows), theirs.others, published.select(rows))
        missed, of = own.missed(judge, own.clean)
        found += of - missed
    return found, len(published)


def tables(measured: Measured) -> dict[str, str]:
    """`veil`: protection at one DSSIM, between the two prices."""
    rows = []
    for label, (dear, cheap) in (
        (label, sorted(both, key=lambda one: one["dssim"]))
        for label, both in measured["recipes"].items()
    ):
        share = (AT - dear["dssim"]) / max(cheap["dssim"] - dear["dssim"], 1e-6)

        def at(
            what: str,
            judge: str,
            low: Measured = dear,
            high: Measured = cheap,
            share: float = share,
        ) -> str:
            a, b = (one[what][judge][0] / one[what][judge][1] for one in (low, high))
            return f"{min(max(a + share * (b - a), 0), 1):.2f}"

        rows.append(
            (
                label,
                f"{dear['dssim']:.4f} to {cheap['dssim']:.4f}",
                *(at("missed", judge) for judge in JUDGES),
                *(at("mutual", judge) for judge in JUDGES),
                f"{(dear['seconds'] + cheap['seconds']) / 2:.2f}",
            )
        )
    heads = (
        "recipe",
        "DSSIM",
        *JUDGES,
        *(f"mutual, {judge}" for judge in JUDGES),
        "seconds per face",
    )
    return {"veil": record.table(heads, rows)}


if __name__ == "__main__":
    record.alone("veil", sys.modules[__name__])
