"""Recognition averages two views of a face, as face.evoLVe and LowKey do."""

from __future__ import annotations

from functools import cached_property

import torch.nn.functional as F

from lowkey_core.checks import check_embeddings
from lowkey_core.types import Embedder, Embeddings, Faces, Images
from lowkey_core.weights import card_of
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.work import Work


def _name(embedder: Embedder) -> str:
    return card_of(embedder).name if hasattr(embedder, "card") else type(embedder).__name__


class FlipAveraged:
    """A recogniser's embedding: the face's and its mirror image's, added and normalised."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    @cached_property
    def fingerprint(self) -> str:
        """Computed once: the network must not change under a `FlipAveraged`."""
        return fingerprint("flip-averaged", self.embedder)

    def __call__(self, images: Images, /) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1]. Returns (n, d), unit norm.

        Raises: PluginError.
        """
        views = [self.embedder(images), self.embedder(images.flip(-1))]
        for view in views:  # anybody's recogniser passes here, so here it is checked
            check_embeddings(view, len(images), _name(self.embedder))
        return F.normalize(views[0] + views[1])

    def embed(self, faces: Faces, work: Work) -> Embeddings:
        """Embeddings of `faces`, each face computed once however often it is asked for."""
        label = f"embedding with {card_of(self.embedder).name}"
        return work.per_face(label, self, faces.images, faces.digests)
