"""The public cloaking tool: pictures in, pictures out, as anybody may run it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import torch
from torch import Generator, Tensor

from lowkey_core.cloaks import Cloak, CloakAbout, PhotoCloak, ThirdPartyCloak
from lowkey_core.errors import NotPossibleError, setting
from lowkey_core.faces.pictures import levels
from lowkey_core.publish.published import Published, batches
from lowkey_core.types import FACE_SIZE, Pictures, faces_of
from lowkey_core.work.bounded import Bounded
from lowkey_core.work.work import Work

REMEMBERED = 64 * 2**20
"""Bytes of changes: several adversaries run a tool on the same background."""
CHANGE_BYTES = 2 * 3 * FACE_SIZE**2
"""Of one face's, in whole grey levels."""
ENOUGH = 10
"""An adversary that learned from fewer people would say little about the cloak."""


class Tool(Protocol):
    """What cloaks pictures."""

    @property
    def name(self) -> str:
        """The cloak's, canonical."""
        ...

    def __call__(self, pictures: Pictures, rng: Generator, /) -> Pictures:
        """The cloaked pictures; one that is not covered stays as it is."""
        ...


def memory() -> Bounded[Pictures]:
    """Of cloaked pictures, by how large their changes are."""
    return Bounded(REMEMBERED, lambda pictures: len(pictures) * CHANGE_BYTES)


@dataclass(frozen=True)
class CloakTool:
    """An audited cloak."""

    name: str
    cloak: Cloak | PhotoCloak
    work: Work
    batch: int = 16
    _made: Bounded[Pictures] = field(default_factory=memory, init=False, repr=False, compare=False)
    """What was asked for last."""

    @property
    def about(self) -> CloakAbout:
        """What the cloak says of itself."""
        return self.cloak.about

    def __call__(self, pictures: Pictures, rng: Generator, /) -> Pictures:
        """As `Tool`: the change of each aligned face is carried into its photo."""
        if isinstance(self.cloak, PhotoCloak):
            return self.cloak.published(pictures, rng)
        if self.work.trying:  # its answers are of no use
            return self._cloaked(self.cloak, pictures, rng)
        who = tuple(pictures.identities.tolist())
        asked = pictures.digests, pictures.names, who, rng.initial_seed()
        make = partial(self._cloaked, self.cloak, pictures, rng)
        return self._made.get(asked, make)

    def _cloaked(self, cloak: Cloak, pictures: Pictures, rng: Generator) -> Pictures:
        faces = faces_of(pictures)
        published = Published(cloak, self.work, name=self.name, batch=self.batch)
        changes = levels(published(faces, rng) - faces.images)
        pairs = zip(pictures.items, changes, strict=True)
        return Pictures(tuple(picture.changed(change) for picture, change in pairs))

    def parts(self, pictures: Pictures) -> list[Pictures]:
        """What is cloaked together: cloaking one part after the other gives, and keeps, what
        cloaking all of them at once does. None of a cloak of whole photos, whose parts are not
        known."""
        if isinstance(self.cloak, PhotoCloak):
            return []
        return [
            pictures.select(rows)
            for rows in batches(self.cloak.about, pictures.identities, self.batch)
        ]

    def covered(self, pictures: Pictures) -> Tensor:
        """(n,) bool: the pictures that it cloaks. All, but for copies that somebody else made."""
        if isinstance(self.cloak, ThirdPartyCloak):
            return torch.tensor([self.cloak.covers(name) for name in pictures.names]).bool()
        return torch.ones(len(pictures)).bool()

    def for_adversary(self, pictures: Pictures, rng: Generator, /) -> Pictures:
        """The same, where an adversary runs it.

        Raises: NotPossibleError if it covers not all, and of fewer than ENOUGH people any.
        """
        covered = self.covered(pictures)
        people = len(pictures.select(covered).people)
        if not covered.all() and people < ENOUGH:
            raise NotPossibleError(
                f"{people} background people have cloaked copies",
                expected=f"{ENOUGH} for an adversary to learn from",
                remedy="put copies of more people into the folder, or lower "
                + setting("protected"),
            )
        return self(pictures, rng)

    def learnable(self, background: Pictures) -> Pictures:
        """The part of a background that an adversary learns from: what is covered, if that is of
        ENOUGH people; else all, and `for_adversary` says why that is not possible."""
        part = background.select(self.covered(background))
        return part if len(part.people) >= ENOUGH else background
