"""The setting of every recognition figure: LFW, people with many pictures among strangers.

What benchmarks need of the product's faces, recognisers and cloaks goes through here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Generator

from audit.photographs import align
from benchmarks.record import FOLDER
from lowkey_core import datasets, recognisers
from lowkey_core.cloaks import Cloak, PhotoCloak
from lowkey_core.errors import MissingWeightsError
from lowkey_core.matchers.nn import NearestNeighbour
from lowkey_core.photos.photo import Photo
from lowkey_core.publish.tool import CloakTool
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.training.faces import kept_out
from lowkey_core.types import Embeddings, Network, Pictures
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work

PICTURES, PROBES, DISTRACTORS = 12, 3, 600
WORK = Work(Cache(FOLDER / "cache"))
"""Pictures and embeddings are shared between benchmarks; what is timed is never taken from here."""


@cache
def faces(*, untaught: bool = False, probes: int = PROBES) -> tuple[Pictures, Pictures]:
    """Gallery and probes: 12 pictures of each identity with at least 10, the last 3 of them
    probes, and 600 people with one picture each. People with several come first by number.

    untaught: only people whom no network of this project was trained on, 60 and 1,000 strangers.
    """
    lfw = datasets.load("lfw")
    people = list(lfw.by_identity.items())
    if untaught:
        out = kept_out(lfw)
        people = [(who, photos) for who, photos in people if who in out]
    known: list[Sequence[Photo]] = [photos[:PICTURES] for _, photos in people if len(photos) >= 10]
    strangers: list[Sequence[Photo]] = [photos[:1] for _, photos in people if len(photos) == 1]
    if not untaught:
        strangers = strangers[:DISTRACTORS]
    numbers = {photos[0].identity: i for i, photos in enumerate(known + strangers)}
    gallery = [p for photos in known for p in photos[:-probes]]
    gallery += [photos[0] for photos in strangers]
    searched = [p for photos in known for p in photos[-probes:]]
    return found(gallery, numbers), found(searched, numbers)


def found(photos: Sequence[Photo], numbers: dict[str, int]) -> Pictures:
    """The main face of every photo that has one. numbers: of the photos' identities."""
    return align(photos, WORK).pictures(photos, numbers)


def recognition(recogniser: str | Network) -> Embedding:
    """By 1-NN on flip-averaged embeddings, each face computed once."""
    network = recognisers.network(recogniser) if isinstance(recogniser, str) else recogniser
    return Embedding(network, NearestNeighbour, "nn", WORK)


def embeddings(recogniser: str | Network, which: Pictures) -> Embeddings:
    """Flip-averaged, (n, d)."""
    return recognition(recogniser).embed(which)


def nearest_people(recogniser: str | Network, enrolled: Pictures, probes: Pictures) -> torch.Tensor:
    """Per probe the rank, from 1, at which 1-NN names its person."""
    gallery = recognition(recogniser).enrol(enrolled)
    return gallery.search(probes, len(enrolled.people)).ranks(probes.identities)


def rank_one(recogniser: str | Network, *, untaught: bool = False) -> tuple[int, int]:
    """Hits and probes, by 1-NN."""
    ranks = nearest_people(recogniser, *faces(untaught=untaught))
    return int(torch.count_nonzero(ranks == 1)), len(ranks)


def export(folder: Path, people: int, each: int) -> None:
    """Writes LFW's files: a sub-folder for each of `people` with at least `each` pictures."""
    known = [photos for photos in datasets.load("lfw").by_identity.values() if len(photos) >= each]
    for who, photos in enumerate(known[:people]):
        (folder / f"{who:03}").mkdir(parents=True)
        for i, photo in enumerate(photos[:each]):
            (folder / f"{who:03}" / f"{i:02}.jpg").write_bytes(photo.read())


def export_strangers(folder: Path, count: int) -> None:
    """Writes one file each of people with one picture, loose."""
    single = [photos[0] for photos in datasets.load("lfw").by_identity.values() if len(photos) == 1]
    folder.mkdir(parents=True)
    for i, photo in enumerate(single[:count]):
        (folder / f"{i:04}.jpg").write_bytes(photo.read())


def at_hand() -> Iterator[str]:
    """The recognisers whose weights are there, but for the zoo: that learned from these people."""
    for name in recognisers.cards():
        try:
            if not name.startswith("zoo:"):
                recognisers.load(name)
                yield name
        except MissingWeightsError:
            continue


def cost(name: str) -> float:
    """Best of five: seconds for a forward pass of 64 faces."""
    network = recognisers.network(name)
    images = faces()[0].faces(network.template, range(64))
    seconds = []
    with torch.no_grad():
        for _ in range(5):
            start = time.perf_counter()
            network(images)
            seconds.append(time.perf_counter() - start)
    return min(seconds)


@dataclass(frozen=True)
class Own:
    """Some people's pictures, and those of everybody else."""

    clean: Pictures
    """What they publish, to be cloaked."""
    others: Pictures
    """The rest of the gallery: none of theirs."""
    probes: Pictures

    def cloaked(self, cloak: Cloak | PhotoCloak, work: Work, label: str) -> Pictures:
        """What they publish, as 8-bit pictures."""
        return CloakTool(label, cloak, work)(self.clean, Generator().manual_seed(0))

    def missed(self, judge: str, published: Pictures) -> tuple[int, int]:
        """How many probes are not recognised at rank 1, and of how many."""
        ranks = nearest_people(judge, published.join(self.others), self.probes)
        return int(torch.count_nonzero(ranks > 1)), len(ranks)


def own(people: int, each: int, *, untaught: bool = False, probes: int = PROBES) -> Own:
    """`each` pictures of each of the first `people` with several."""
    gallery, searched = faces(untaught=untaught, probes=probes)
    theirs = [(gallery.identities == who).nonzero().flatten()[:each] for who in range(people)]
    return Own(
        gallery.select(torch.cat(theirs)),
        gallery.select(gallery.identities >= people),
        searched.select(searched.identities < people),
    )
