"""The public cloaking tool: pictures in, pictures out, as anybody may run it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor

from lowkey_core.cloaks import Cloak, CloakAbout, PhotoCloak, ThirdPartyCloak
from lowkey_core.errors import NotPossibleError, setting
from lowkey_core.faces.pictures import levels
from lowkey_core.publish.published import Published, batches
from lowkey_core.types import Pictures, faces_of
from lowkey_core.work.work import Work

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


@dataclass(frozen=True)
class CloakTool:
    """An audited cloak."""

    name: str
    cloak: Cloak | PhotoCloak
    work: Work
    batch: int = 16

    @property
    def about(self) -> CloakAbout:
        """What the cloak says of itself."""
        return self.cloak.about

    def __call__(self, pictures: Pictures, rng: Generator, /) -> Pictures:
        """As `Tool`: the change of each aligned face is carried into its photo."""
        if isinstance(self.cloak, PhotoCloak):
            return self.cloak.published(pictures, rng)
        faces = faces_of(pictures)
        published = Published(self.cloak, self.work, name=self.name, batch=self.batch)
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
