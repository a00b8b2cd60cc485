"""A cloak as it reaches the world: in batches, as 8-bit pixels, each batch computed once."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Generator, Tensor

from lowkey_core.checks import check_images
from lowkey_core.cloaks import Cloak, CloakAbout
from lowkey_core.content import quantise
from lowkey_core.errors import ImageShapeError, PluginError
from lowkey_core.faces.pictures import levels
from lowkey_core.types import FACE_SIZE, Faces, Images
from lowkey_core.work.pool import Task
from lowkey_core.work.provenance import arithmetic, fingerprint
from lowkey_core.work.records import Record, shaped
from lowkey_core.work.runtime import device_of
from lowkey_core.work.work import Work

log = logging.getLogger(__name__)

CHANGE = shaped(change=(torch.int16, 3, FACE_SIZE, FACE_SIZE))
"""What is kept of a changed face: how, in grey levels."""
SECONDS, FAILED = "seconds", "failed"
"""Names of what is also kept of a cloaked face: the time it took, and, where there is no change
because the cloak failed, that it did."""
CLOAKED = shaped(change=(torch.int16, 3, FACE_SIZE, FACE_SIZE), seconds=(torch.float32, 1))


class Published:
    """A cloak as it reaches the world: in batches, as 8-bit pixels, each batch computed once."""

    def __init__(self, cloak: Cloak, work: Work, *, name: str, batch: int = 16) -> None:
        """name: of the cloak, for messages. batch: part of the result, as floating-point sums
        depend on it."""
        self.cloak, self._work, self._name, self.batch = cloak, work, name, batch

    @cached_property
    def fingerprint(self) -> str:
        """The cloak's own, the batch size, and where and on how many threads it is computed."""
        devices = [str(device_of(network)) for network in self.cloak.about.against or ()]
        return fingerprint(type(self), self.cloak, self.batch, devices, arithmetic())

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """The cloaked faces on the 256 grey levels: (n, 3, 112, 112) float32."""
        if not len(faces):
            return faces.images.clone()
        parts = batches(self.cloak.about, faces.identities, self.batch)
        seed, keys = rng.initial_seed(), [""] * len(faces)
        for rows in parts:
            key = fingerprint(self.fingerprint, faces.select(rows).digests, seed)
            for place, row in enumerate(rows.tolist()):
                keys[row] = fingerprint(key, place)

        groups = [rows.tolist() for rows in parts]
        make = Task(
            lambda rows: faces.select(torch.as_tensor(rows)), Cloaking(self.cloak, self._name, seed)
        )
        label = f"cloaking with {self._name}"
        records = list(self._work.groups(label, keys, groups, make, CLOAKED))
        self._work.took(self._name, [float(r[SECONDS]) for r in records])
        order = torch.cat(parts)
        failed = [faces.names[row] for row, r in zip(order, records, strict=True) if FAILED in r]
        if failed:
            log.warning("%s failed on %s: published as they are", self._name, ", ".join(failed))
        changes = torch.stack([r["change"] for r in records])[order.argsort()]
        return (levels(faces.images) + changes).clamp(0, 255).float().div_(255)


@dataclass(frozen=True)
class Cloaking:
    """What makes the records of a batch, in whatever process."""

    cloak: Cloak
    name: str
    """For messages."""
    seed: int
    """Of the generator that the cloak is given with each batch."""

    def __call__(self, part: Faces, /) -> list[Record]:
        """A record for each face, as `CLOAKED` and `FAILED` say. Raises: as `_checked`."""
        began = time.perf_counter()
        cloaked = self.cloak(part, Generator().manual_seed(self.seed))
        cloaked, failed = _checked(cloaked, part, self.name)
        changes = levels(cloaked) - levels(part.images)
        each = torch.tensor([(time.perf_counter() - began) / len(part)])
        return [
            {"change": change, SECONDS: each, **({FAILED: torch.zeros(1)} if bad else {})}
            for change, bad in zip(changes, failed, strict=True)
        ]


def batches(about: CloakAbout, identities: Tensor, batch: int) -> list[Tensor]:
    """Rows that a cloak is given together: in the order given, or whole people where it needs that.
    What is made of one batch does not depend on the others. identities: (n,) int64."""
    if about.unit == "picture":
        return list(torch.arange(len(identities)).split(batch)) if len(identities) else []
    found: list[Tensor] = []
    for who in identities.unique():
        own = (identities == who).nonzero().flatten()
        if found and len(found[-1]) + len(own) <= batch:
            found[-1] = torch.cat([found[-1], own])
        else:
            found.append(own)
    return found


def _checked(cloaked: Any, faces: Faces, who: str) -> tuple[Images, list[bool]]:
    """The cloak's result on the 256 grey levels, and where it failed: the picture is clean there.
    Anybody's cloak passes here, so here it is checked. Raises: PluginError, ImageShapeError,
    ImageRangeError."""
    if not isinstance(cloaked, Tensor):
        raise PluginError(
            f"{who} returned a {type(cloaked).__name__}",
            expected="a tensor of pictures",
            remedy="see CONTRIBUTING.md for the one-file recipes",
        )
    if cloaked.shape != faces.images.shape:
        raise ImageShapeError(
            f"{who} returned shape {tuple(cloaked.shape)}",
            expected=f"{tuple(faces.images.shape)}, as it was given",
            remedy="return one picture of the same size for each",
        )
    failed = cloaked.isnan().flatten(1).all(1)
    cloaked = torch.where(failed.view(-1, 1, 1, 1), faces.images, cloaked)
    check_images(cloaked, f"the pictures that {who} returned")
    return quantise(cloaked), failed.tolist()
