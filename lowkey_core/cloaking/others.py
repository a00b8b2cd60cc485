"""Other people: whom a targeted cloak makes somebody look like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor

from lowkey_core.errors import DatasetError, setting
from lowkey_core.types import FACE_SIZE, Faces
from lowkey_core.work.provenance import fingerprint

PICTURES = 10
"""Of each of them, at most (Fawkes)."""


class Others:
    """People whose pictures are asked for when a cloak first needs them."""

    def __init__(self, load: Callable[[], Faces]) -> None:
        """load: their aligned faces."""
        self.load = load

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process go the pictures that are used, not whatever they are from."""
        return Others, (partial(_these, self.faces),)

    @cached_property
    def faces(self) -> Faces:
        """The first PICTURES of each."""
        faces = self.load()
        rows = [
            row
            for who in faces.identities.unique()
            for row in (faces.identities == who).nonzero().flatten()[:PICTURES].tolist()
        ]
        return faces.select(torch.tensor(rows, dtype=torch.int64))

    @cached_property
    def people(self) -> list[int]:
        """Their identities, in ascending order."""
        return [int(who) for who in self.faces.identities.unique()]

    @cached_property
    def fingerprint(self) -> str:
        """Of their pictures, and whose they are."""
        return fingerprint(self.faces.digests, self.faces.identities)

    def besides(self, own: int, least: int, who: str) -> list[int]:
        """All but one person. least: how many there must be. who: the cloak, for messages.

        Raises: DatasetError if there are fewer.
        """
        people = [other for other in self.people if other != own]
        if len(people) < least:
            raise DatasetError(
                f"{who} can choose its target among {len(people)} other people",
                expected=f"at least {least}",
                remedy=f"in an audit raise {setting('background')}, or use a data set of more "
                "people; elsewhere ask for fewer targets",
            )
        return people


def nobody() -> Faces:
    """No other people."""
    side = FACE_SIZE
    return Faces(torch.zeros(0, 3, side, side), torch.zeros(0, dtype=torch.int64), ())


def centres(embedded: Tensor, identities: Tensor, people: Sequence[int]) -> Tensor:
    """(people, d): the mean embedding of each. embedded: (n, d). identities: (n,)."""
    return torch.stack([embedded[identities == who].mean(0) for who in people])


def _these(faces: Faces) -> Faces:
    return faces
