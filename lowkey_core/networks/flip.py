"""How networks are used: on a face and its mirror image, and on faces cut for another template."""

from __future__ import annotations

from functools import cached_property

import torch.nn.functional as F

from lowkey_core.checks import check_embeddings
from lowkey_core.faces.alignment import warp
from lowkey_core.types import ARCFACE, Embeddings, Images, Network
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.runtime import device_of


class FlipAveraged:
    """A network's embedding of a face: the face's and its mirror image's, added and normalised, as
    face.evoLVe and LowKey do."""

    def __init__(self, network: Network) -> None:
        self.network = network

    @cached_property
    def fingerprint(self) -> str:
        """Computed once: the network must not change under a `FlipAveraged`."""
        return fingerprint(type(self), self.network)

    def __call__(self, images: Images, /) -> Embeddings:
        """images: (n, 3, size, size) float32 in [0, 1], at the network's template. Returns (n, d),
        unit norm, on the network's device. Raises: PluginError."""
        images = images.to(device_of(self.network))
        views = [self.network(images), self.network(images.flip(-1))]
        for view in views:  # anybody's network passes here, so here it is checked
            check_embeddings(view, len(images), self.network.card.name)
        return F.normalize(views[0] + views[1])


class AtArcFace:
    """A network that is fed aligned 112x112 faces, whatever its own template: what a cloak changes
    is there. Differentiable; what lies outside of the 112x112 face is black."""

    template = ARCFACE

    def __init__(self, network: Network) -> None:
        self.network, self.card = network, network.card

    def __call__(self, images: Images, /) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1]."""
        own = self.network.template
        if own != ARCFACE:
            images = warp(images, [own.chip], own.size)
        return self.network(images)
