"""What a detector is given to learn from, and how it trains on that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from adversaries.parts.training import Recipe, Rows, train
from lowkey_core import transforms
from lowkey_core.publish.served import served
from lowkey_core.types import Images, Pictures, Recognition
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.work import Work

VERSIONS = (
    "none",
    *(f"jpeg:{quality}" for quality in (95, 90, 85, 80, 75, 70, 60, 45, 30)),
)
"""What has become of a picture before the detector sees it."""


def as_it_is(faces: Images) -> Images:
    """The faces themselves."""
    return faces


@dataclass(frozen=True)
class Lesson:
    """Pictures of some background people, and everything else that training needs."""

    recognition: Recognition
    """What the adversary starts from."""
    clean: Pictures
    cloaked: Pictures | None
    """Their cloaked copies, in the same order; None for a detector that never runs the tool."""
    recipe: Recipe
    seed: int
    device: torch.device
    work: Work

    @property
    def arms(self) -> tuple[Pictures, ...]:
        """The clean pictures, then the cloaked copies if there are any."""
        return (self.clean,) if self.cloaked is None else (self.clean, self.cloaked)

    def shown(self, change: Callable[[Images], Tensor] = as_it_is) -> tuple[Rows, int]:
        """Every picture in each of VERSIONS, and how many rows that makes: row v * n + i is
        picture i of n in version v, (arms, 3, 112, 112), after `change`."""
        versions = [[served(arm, v, transforms.load(v)) for arm in self.arms] for v in VERSIONS]
        pictures = len(self.clean)

        def row(number: int) -> Tensor:
            version, picture = divmod(number, pictures)
            return change(torch.cat([arm.faces(rows=[picture]) for arm in versions[version]]))

        return Rows(row, pictures * len(VERSIONS)), pictures * len(VERSIONS)

    def train(
        self,
        network: nn.Module,
        loss: Callable[[Tensor, Generator], Tensor],
        count: int,
        *,
        code: type,
        label: str,
    ) -> None:
        """Trains `network` in place, and freezes it. loss, count: as of `training.train`. code: the
        detector's class, whose source is part of the training's name. Raises: StorageError."""
        network.train()
        train(
            network,
            loss,
            count,
            self.recipe,
            key=fingerprint(
                *(code, *(arm.digests for arm in self.arms), network, str(self.device)),
                *map(transforms.load, VERSIONS),
            ),
            seed=self.seed,
            work=self.work,
            label=label,
        )
        network.eval().requires_grad_(False)


@dataclass(frozen=True)
class Looking:
    """A `Look` that scores every face by itself."""

    score: Callable[[Images], Tensor]
    """From (b, 3, 112, 112) in [0, 1] to (b, 1)."""
    work: Work
    label: str = "looking for cloaks"

    def __call__(self, pictures: Pictures, /) -> Tensor:
        """As `Look`; each face is scored once."""
        return self.work.per_item(
            self.label, self.score, pictures.digests, lambda rows: pictures.faces(rows=rows)
        )[:, 0]
