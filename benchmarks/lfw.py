"""The setting of every recognition figure: LFW, people with many pictures among strangers."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch

from audit.photographs import align
from lowkey_core import datasets
from lowkey_core.matchers import nearest, ranking, ranks_of
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.photos.photo import Photo
from lowkey_core.training.faces import kept_out
from lowkey_core.types import Embedder, Faces
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work

PICTURES, PROBES, DISTRACTORS = 12, 3, 600
WORK = Work(Cache(Path(tempfile.gettempdir()) / "lowkey-audit-benchmarks"))
"""Faces and embeddings are shared between benchmarks; what is timed is never taken from here."""


@cache
def faces(*, untaught: bool = False) -> tuple[Faces, Faces]:
    """Gallery and probes: 12 pictures of each identity with at least 10, the last 3 of them
    probes, and 600 people with one picture each.

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
    gallery = [p for photos in known for p in photos[:-PROBES]]
    gallery += [photos[0] for photos in strangers]
    probes = [p for photos in known for p in photos[-PROBES:]]
    aligned = align(gallery + probes, WORK)
    parts = [aligned.pictures(photos, numbers) for photos in (gallery, probes)]
    return Faces(parts[0].images, parts[0].identities), Faces(parts[1].images, parts[1].identities)


def rank_one(embedder: Embedder, *, untaught: bool = False) -> tuple[int, int]:
    """Hits and probes, by 1-NN."""
    embed, (gallery, probes) = FlipAveraged(embedder), faces(untaught=untaught)
    score = nearest(embed.embed(gallery, WORK), gallery.identities)
    identified = ranking(score(embed.embed(probes, WORK)), gallery.identities.unique())
    hits = ranks_of(identified, probes.identities) == 1
    return int(torch.count_nonzero(hits)), len(hits)
