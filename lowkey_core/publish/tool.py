"""The public cloaking tool: pictures in, pictures out, as anybody may run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from lowkey_core.errors import NotPossibleError, setting
from lowkey_core.types import Cloak, Images, Pictures, ThirdPartyCloak

ENOUGH = 10
"""An adversary that learned from fewer people would say little about the cloak."""


@dataclass(frozen=True)
class Tool:
    """A cloak, with all that lies between it and a published file."""

    name: str
    """The cloak's, canonical."""
    cloak: Cloak
    """What it says of itself is in its `about`."""
    apply: Callable[[Pictures, Generator], Images]
    """From clean pictures to what the published files hold."""

    def __call__(self, pictures: Pictures, rng: Generator, /) -> Pictures:
        """The cloaked pictures; one that is not covered stays as it is."""
        return pictures.showing(self.apply(pictures, rng)) if len(pictures) else pictures

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
