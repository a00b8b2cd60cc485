"""Our cloaks as attacks of ART: what runs an `EvasionAttack` of ART 1.20.1 runs a cloak of ours.

Importing this file imports ART, which takes seconds; nothing of ours imports it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from art.attacks.attack import EvasionAttack
from torch import Generator, Tensor

from lowkey_core.checks import check_images
from lowkey_core.cloaks import Cloak, PhotoCloak
from lowkey_core.errors import ImageShapeError, OptionError
from lowkey_core.publish.published import Published
from lowkey_core.types import FACE_SIZE, Faces
from lowkey_core.work.work import Work


class CloakAttack(EvasionAttack):  # type: ignore[misc]
    """A cloak that ART runs, for instance in `AdversarialTrainer`."""

    attack_params = [*EvasionAttack.attack_params, "seed", "batch_size"]  # noqa: RUF012
    _estimator_requirements = ()

    def __init__(
        self,
        cloak: Cloak | PhotoCloak,
        estimator: Any = None,
        seed: int = 0,
        batch_size: int = 16,
    ) -> None:
        """cloak: of aligned faces. estimator: what ART shows as attacked, such as
        `networks.art.regressor` of the cloak's surrogates; nothing is asked of it. seed: of the
        cloak's randomness. batch_size: pictures that are cloaked together.

        Raises: OptionError for a cloak of whole photos.
        """
        if isinstance(cloak, PhotoCloak):
            raise OptionError(
                f"{type(cloak).__name__} cloaks whole photos",
                expected="a cloak of aligned faces, as ART has nothing else",
                remedy="name another",
            )
        super().__init__(estimator=estimator)
        self.cloak, self.seed, self.batch_size = cloak, seed, batch_size

    def generate(
        self, x: npt.NDArray[Any], y: npt.NDArray[Any] | None = None, **kwargs: Any
    ) -> npt.NDArray[np.float32]:
        """The faces cloaked, on the 256 grey levels: float32, as many and of the same shape.

        x: (n, 3, 112, 112) in [0, 1], RGB, at the ArcFace template. y: who they are, (n,) numbers,
        or one-hot; it matters to cloaks that want all pictures of a person. None: n people.
        Raises: ImageShapeError, ImageRangeError, OptionError for a mask; what the cloak raises.
        """
        if kwargs.get("mask") is not None:
            raise OptionError(
                "CloakAttack was given a mask",
                expected="none: a cloak changes the whole face",
                remedy="leave it out",
            )
        images = torch.tensor(np.asarray(x, dtype=np.float32))
        check_images(images, "x")
        if images.shape[2:] != (FACE_SIZE, FACE_SIZE):
            raise ImageShapeError(
                f"x has shape {tuple(images.shape)}",
                expected=f"(n, 3, {FACE_SIZE}, {FACE_SIZE})",
                remedy="align the faces first",
            )
        faces = Faces(images, _people(y, len(images)), tuple(map(str, range(len(images)))))
        name = type(self.cloak).__name__
        published = Published(self.cloak, Work(), name=name, batch=self.batch_size)
        cloaked: npt.NDArray[np.float32] = published(
            faces, Generator().manual_seed(self.seed)
        ).numpy()
        return cloaked


def _people(y: npt.NDArray[Any] | None, count: int) -> Tensor:
    """(n,) int64. Raises: OptionError."""
    if y is None:
        return torch.arange(count)
    labels = np.asarray(y)
    if labels.ndim == 2:
        labels = labels.argmax(1) if labels.shape[1] > 1 else labels[:, 0]
    if labels.shape != (count,):
        raise OptionError(
            f"y has shape {np.shape(y)}",
            expected=f"({count},), or one-hot",
            remedy="give a label for each picture",
        )
    return torch.from_numpy(labels.astype(np.int64))
