"""Whether the cloak detector is good for every seed and number of threads. `python -m
benchmarks.spotting`

The photos of `standard` on LFW, with LowKey: five seeds of the detector's training, with one thread
and with two, on the same cloaks.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Generator

from adversaries import ThreatModel
from adversaries.detection import Detecting, build
from audit.choices import make
from audit.publishing import publish
from audit.scene import assemble
from benchmarks import record
from benchmarks.record import Measured
from lowkey_core import transforms
from lowkey_core.publish.served import found_again, served
from lowkey_core.types import Pictures
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work

TIMED = False
SEEDS, THREADS = range(5), (1, 2)
TRANSFORMS = ("none", "jpeg:75", "jpeg:30")
PLAN = {
    **{"dataset": "lfw", "attack": ["lowkey"], "adversary": ["detection"]},
    "recogniser": ["mobilefacenet:ms1m"],
}


def measure() -> Measured:
    """Per number of threads and seed: of the cloaked and of the clean pictures, how many are
    flagged after each transform."""
    found = {
        f"seed {seed}, threads: {threads}": record.piece(
            f"spotting-{threads}-{seed}", partial(_one, threads, seed)
        )
        for threads in THREADS
        for seed in SEEDS
    }
    return {"trainings": found}


@dataclass(frozen=True)
class Case:
    """What every training has in common."""

    threat: ThreatModel
    served: dict[str, tuple[Pictures, Pictures]]
    """By transform: cloaked pictures of protected people, and everybody's clean ones."""


@cache
def _case() -> Case:
    """Everything but the detector's training is done with the most threads."""
    torch.set_num_threads(max(THREADS))
    work = Work(Cache(record.FOLDER / "spotting" / "cache"))
    scene = assemble(make("standard", given=PLAN), work)
    cloaked = next(p.gallery for p in publish(scene) if not p.of)
    background, photos = scene.photos.background, scene.photos
    copies = scene.tools[0].for_adversary(background, scene.rng())
    by_name = dict(zip(background.names, copies.items, strict=True))

    def tool(pictures: Pictures, rng: Generator) -> Pictures:
        del rng  # the copies are made
        return Pictures(tuple(by_name[name] for name in pictures.names))

    def after(pictures: Pictures, name: str) -> Pictures:
        return found_again(served(pictures, name, transforms.load(name)), work)

    return Case(
        ThreatModel(scene.recognitions[0][0], background, tool),
        {
            name: (
                after(cloaked, name),
                after(photos.gallery, name).join(
                    served(photos.bystanders, name, transforms.load(name))
                ),
            )
            for name in TRANSFORMS
        },
    )


def _one(threads: int, seed: int) -> Measured:
    case = _case()
    torch.set_num_threads(threads)
    detecting = build("classifier", Work()).prepare(case.threat, Generator().manual_seed(seed))
    assert isinstance(detecting, Detecting)
    return {
        name: {
            arm: [int((detecting.suspicion(pictures) > 0).sum()), len(pictures)]
            for arm, pictures in zip(("cloaked", "clean"), seen, strict=True)
        }
        for name, seen in case.served.items()
    }


def tables(measured: Measured) -> dict[str, str]:
    """`spotting`."""
    rows = [
        (name, *(_share(found[t][arm]) for t in TRANSFORMS for arm in ("cloaked", "clean")))
        for name, found in measured["trainings"].items()
    ]
    columns = [f"{what}, {t}" for t in TRANSFORMS for what in ("TPR", "FPR")]
    return {"spotting": record.table(("training", *columns), rows)}


def _share(counts: tuple[int, int]) -> str:
    hits, of = counts
    return f"{hits / of:.3f}"


if __name__ == "__main__":
    record.alone("spotting", sys.modules[__name__])
