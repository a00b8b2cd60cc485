"""Attacks of ART (Adversarial Robustness Toolbox 1.20.1) on faces: each picture from its own
generator, and nothing of ART's global state left changed (`networks.art.contained`).

All return (n, 3, 112, 112) arrays within the budget, save for rounding. ART goes on where a
gradient is not finite, as if it were zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator

from lowkey_core.cloaking import limits
from lowkey_core.content import per_picture
from lowkey_core.networks import art
from lowkey_core.types import Embeddings, Faces, Images, Network

Array = npt.NDArray[np.float32]
SHOWN = 10
"""How many people a picture may choose the one from that it is moved towards."""


@dataclass(frozen=True)
class Setting:
    """What attacks have in common."""

    surrogates: tuple[Network, ...]
    """At least one, with gradients; together one network, `networks.art.Embedder`."""
    eps: float
    """How far a pixel may go, on the [0, 1] scale: positive."""
    step: float
    """How far a pixel goes in a step; the first, where steps adapt."""
    steps: int
    """At least one."""

    @torch.no_grad()
    def embed(self, images: Images) -> Embeddings:
        """(n, d), of all surrogates."""
        embeddings: Embeddings = art.Embedder(self.surrogates)(images)
        return embeddings


def ascend(name: str, s: Setting, faces: Faces, rng: Generator) -> Array:
    """1 - cosine to the clean embedding, from a start drawn uniformly within the budget: at the
    clean picture itself the gradient is zero.

    name: of a class in `art.attacks.evasion`. It is bounded by `clip_values`, which are the budget
    of each pixel; its own ball, about the start, is too wide to matter.
    """
    clean, within = faces.images, limits.ball(faces.images, s.eps)
    low, high = within(torch.zeros_like(clean)), within(torch.ones_like(clean))
    noise = limits.uniform(tuple(clean.shape[1:]), s.eps, rng, faces.digests)
    settings: dict[str, Any] = {"eps": s.step}
    if name != "FastGradientMethod":
        settings = {"eps": 2 * s.eps, "max_iter": s.steps, "verbose": False}
    with art.contained(0):
        estimator = art.regressor(s.surrogates, (low.numpy(), high.numpy()))
        attack = getattr(art.module("art.attacks.evasion"), name)(
            estimator, eps_step=s.step, batch_size=len(clean), **settings
        )
        home = estimator.predict(clean.numpy())
        found: Array = attack.generate(within(clean + noise).numpy(), y=home)
    return found


def autopgd(s: Setting, faces: Faces, others: Faces, rng: Generator) -> Array:
    """AutoPGD on a head that tells who it is: the picture itself, or one of the others?

    Each picture by itself, so that nobody else of the batch is in its gallery. ART returns noise
    where it did not change who is recognised, and the last point where it did; the paper's answer
    is the point of the largest loss, `x_max`.

    others: one picture of each of some people, at least one besides each of `faces`.
    """
    found, strangers = [], s.embed(others.images)
    for row, image in enumerate(faces.images.split(1)):
        seed = torch.randint(2**32, (), generator=per_picture(rng, faces.digests[row]))
        centres = torch.cat([s.embed(image), strangers[others.identities != faces.identities[row]]])
        with art.contained(int(seed)):
            head = art.classifier(s.surrogates, centres)
            attacks = art.module("art.attacks.evasion")
            attack = attacks.AutoProjectedGradientDescent(
                head,
                eps=s.eps,
                eps_step=s.step,
                max_iter=s.steps,
                nb_random_init=1,
                verbose=False,
            )
            last = attack.generate(image.numpy(), y=np.zeros(1, dtype=np.int64))
            found.append(getattr(attack, "x_max", last))
    return np.concatenate(found)


def feature(s: Setting, faces: Faces, others: Faces, rng: Generator) -> Array:
    """Towards one of the others: of SHOWN, drawn for each picture, the farthest from it.

    others: as of `autopgd`.
    """
    likeness, chosen = s.embed(faces.images) @ s.embed(others.images).T, []
    for row, digest in enumerate(faces.digests):
        them = (others.identities != faces.identities[row]).nonzero().flatten()
        shown = them[torch.randperm(len(them), generator=per_picture(rng, digest))[:SHOWN]]
        chosen.append(shown[likeness[row, shown].argmin()])
    guides = others.images[torch.stack(chosen)]
    with art.contained(0):
        attack = art.module("art.attacks.evasion").FeatureAdversariesPyTorch(
            art.regressor(s.surrogates),
            delta=s.eps,
            layer=art.EMBEDDING,
            max_iter=s.steps,
            step_size=s.step,
            batch_size=len(faces),
            verbose=False,
        )
        found: Array = attack.generate(faces.images.numpy(), y=guides.numpy())
    return found
