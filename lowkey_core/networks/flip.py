"""Recognition averages two views of a face, as face.evoLVe and LowKey do."""

from __future__ import annotations

from functools import cached_property

import torch.nn.functional as F

from lowkey_core.checks import check_embeddings
from lowkey_core.types import Embeddings, Images, Network
from lowkey_core.work.provenance import fingerprint


class FlipAveraged:
    """A network's embedding of a face: the face's and its mirror image's, added and normalised."""

    def __init__(self, network: Network) -> None:
        self.network = network

    @cached_property
    def fingerprint(self) -> str:
        """Computed once: the network must not change under a `FlipAveraged`."""
        return fingerprint("flip-averaged", self.network)

    def __call__(self, images: Images, /) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1]. Returns (n, d), unit norm.

        Raises: PluginError.
        """
        views = [self.network(images), self.network(images.flip(-1))]
        for view in views:  # anybody's network passes here, so here it is checked
            check_embeddings(view, len(images), self.network.card.name)
        return F.normalize(views[0] + views[1])
