"""SynthFaces: generated portraits of people who do not exist.

160 people with 14 pictures each, and 600 strangers with one. A picture is generated when it is
first read. Results on generated faces may not hold for real ones.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch
from torch import Generator, Tensor

from lowkey_core import weights
from lowkey_core.datasets import Dataset
from lowkey_core.networks.face_generator import (
    MARGIN,
    FaceGenerator,
    IdentityPrior,
    camera_effects,
)
from lowkey_core.photos.decoding import encode_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import Faces, Images
from lowkey_core.weights.checkpoints import fill, state_of
from lowkey_core.work.cache import Cache
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record, shaped
from lowkey_core.work.work import Work, silent

PEOPLE, PICTURES, STRANGERS = 160, 14, 600

GENERATOR = weights.Card(
    name="synthfaces",
    file="synthfaces.safetensors",
    sha256="3e2dd6d213775300b2400e3d361132401acc0e8fc0714c1e739726108ba28a73",
    source="made by this project: `synthetic train`, docs/synthfaces.md",
    licence="Apache-2.0",
    released=datetime.date(2026, 11, 21),
    trained_on="LFW, with mobilefacenet:ms1m and dlib as identity critics",
    data=frozenset({"LFW"}),
    lineage=frozenset({"synthfaces", "mobilefacenet-ms1m-foamliu", "dlib-resnet-v1"}),
    size=5_787_870,
    embedded=True,
)
GENERATOR_KEY, PRIOR_KEY = "painter", "cast"
"""First part of the names in the file: of the FaceGenerator's and of the IdentityPrior's state."""

_NOT_PEOPLE = (
    "SynthFaces are generated pictures, not photos of people: what holds here may not hold for "
    "real faces; audit a folder of photos to know what holds for those."
)


@dataclass(frozen=True)
class GeneratedPhoto(Photo):
    """A picture that is generated when it is read. Its path is only a name; no file is there."""

    kept_in: Path | None = None
    """Folder of finished work; None keeps nothing."""
    seed: int = 0
    who: int = 0
    count: int = 1
    """How many pictures there are of that person."""
    number: int = 0
    """Which of them it is."""

    def read(self) -> bytes:
        """The encoded picture. Raises: MissingWeightsError, TamperedWeightsError."""
        return renderer(self.kept_in, self.seed).portrait(self.who, self.count, self.number)


def build(work: Work | None = None, seed: int = 0) -> Dataset:
    """The data set; pictures are generated later, when they are read.

    work: where they are kept. seed: each seed gives other people.
    Raises: MissingWeightsError, TamperedWeightsError.
    """
    kept_in = work.cache.root if work else None
    renderer(kept_in, seed)  # whether its weights are there is better known now
    people = [(f"nobody_{i + 1:03}", PICTURES) for i in range(PEOPLE)]
    strangers = [(f"stranger_{i + 1:03}", 1) for i in range(STRANGERS)]
    photos = [
        _photo(kept_in, seed, who, name, count, i)
        for who, (name, count) in enumerate(people + strangers)
        for i in range(count)
    ]
    return Dataset(
        "synthetic",
        tuple(photos),
        called="SynthFaces",
        cards=(GENERATOR,),
        notes=(_NOT_PEOPLE,),
    )


def _photo(kept_in: Path | None, seed: int, who: int, name: str, count: int, number: int) -> Photo:
    file = f"{name}_{number + 1:02}.png"
    path = Path(f"synthetic-{seed}", file)
    return GeneratedPhoto(
        name, file, path, kept_in=kept_in, seed=seed, who=who, count=count, number=number
    )


@cache
def renderer(kept_in: Path | None, seed: int) -> Renderer:
    """One for all pictures of a seed."""
    return Renderer(Work(Cache(kept_in)), seed)


_FAR_AWAY = 1_000
"""The seed of people who are in no SynthFaces that anybody audits."""


def people_of_nobody(work: Work, count: int = 40, pictures: int = 10) -> Faces:
    """Aligned faces of people who do not exist, numbered -1, -2, ...: as targets of cloaks.

    Raises: MissingWeightsError, TamperedWeightsError.
    """
    draw = renderer(work.cache.root, _FAR_AWAY)
    whole = torch.cat([draw.portraits(who, pictures) for who in range(count)])
    return Faces(
        whole[..., MARGIN:-MARGIN, MARGIN:-MARGIN].float().div(255),
        -1 - torch.arange(count).repeat_interleave(pictures),
        tuple(f"nobody {who + 1}, {i + 1}" for who in range(count) for i in range(pictures)),
    )


class Renderer:
    """Generates all pictures of a person together, when one of them is first read."""

    def __init__(self, work: Work, seed: int) -> None:
        """Raises: MissingWeightsError, TamperedWeightsError."""
        # Silent: pictures are generated while others read them, who show progress of their own.
        self.work, self.seed = replace(work, show=silent), seed
        state = state_of(GENERATOR)
        parts = {
            name: {
                k.removeprefix(f"{name}."): v for k, v in state.items() if k.startswith(f"{name}.")
            }
            for name in (GENERATOR_KEY, PRIOR_KEY)
        }
        generator = fill(FaceGenerator, parts[GENERATOR_KEY], GENERATOR)
        self.generator = generator.eval().requires_grad_(False)
        self.generator.to(memory_format=torch.channels_last)
        self.prior = fill(IdentityPrior, parts[PRIOR_KEY], GENERATOR)
        self._remembered: Callable[[int, int], Tensor] = cache(self.portraits)
        self.portrait: Callable[[int, int, int], bytes] = cache(self.encoded)
        """`encoded`, each picture once."""

    def encoded(self, who: int, count: int, i: int) -> bytes:
        """The i-th picture of person `who`, as a PNG. count: how many pictures that person has."""
        pixels = self._remembered(who, count)[i].permute(1, 2, 0).numpy()
        return encode_pixels(pixels, "PNG", compress_level=1)

    def portraits(self, who: int, count: int) -> Tensor:
        """All pictures of person `who`: (count, 3, 128, 128) uint8, the face near template
        positions, MARGIN pixels in."""
        key = fingerprint(type(self), GENERATOR.sha256, self.seed, who, count)
        fits = shaped(pixels=(torch.uint8, count, 3, None, None))
        make = lambda _: self._pictures(who, count)  # noqa: E731
        (record,) = self.work.through("generating", [key], make, fits)
        return record["pixels"]

    def _pictures(self, who: int, count: int) -> Record:
        rng = Generator().manual_seed(self.seed * 100_003 + who)
        portraits = camera_effects(self.generated(count, rng), rng)
        return {"pixels": portraits.mul(255).round().to(torch.uint8)}

    @torch.no_grad()
    def generated(self, count: int, rng: Generator) -> Images:
        """Pictures of one random person without camera effects: (count, 3, 128, 128) in [0, 1], the
        face at template positions, MARGIN pixels in."""
        identity, nuisance = self.prior.codes(self.prior.person(rng), count, rng)
        portraits: Images = self.generator(identity, nuisance)
        return portraits
