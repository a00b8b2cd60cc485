"""Recognition by a network: every face becomes a vector, and a matcher compares vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from lowkey_core.errors import NotPossibleError
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.recognition.candidates import merged, nothing
from lowkey_core.recognition.matching import Fit, Fitted
from lowkey_core.recognition.strangers import Strangers
from lowkey_core.types import Candidates, Embeddings, Gallery, Network, Pictures
from lowkey_core.weights import Card
from lowkey_core.work.work import Work


@dataclass(frozen=True)
class Embedding:
    """A network and a matcher."""

    network: Network
    fit: Fit
    matcher: str
    """The matcher's name."""
    work: Work
    """Where embeddings are kept."""
    strangers: Strangers | None = None
    """Who stands in every gallery beside whoever is enrolled."""

    @property
    def card(self) -> Card:
        """The network's."""
        return self.network.card  # type: ignore[no-any-return]

    @cached_property
    def averaged(self) -> FlipAveraged:
        """The network on a face and its mirror image."""
        return FlipAveraged(self.network)

    def embed(self, pictures: Pictures) -> Embeddings:
        """(n, d): each face is computed once, however often it is asked for. At least one."""
        label, template = f"embedding with {self.card.name}", self.network.template
        return self.work.per_item(
            label, self.averaged, pictures.digests, lambda rows: pictures.faces(template, rows)
        )

    def enrol(self, gallery: Pictures, /) -> Gallery:
        """As `Recognition.enrol`; pictures without a face are not indexed.

        Raises: NotPossibleError if the strangers' embeddings are another network's.
        """
        if self.strangers is not None and self.strangers.network is not self.network:
            raise NotPossibleError(
                f"{self.card.name} was changed, and embeddings of strangers were made before",
                expected="the network that made them",
                remedy="use strangers of whom there are pictures",
            )
        gallery = gallery.select(gallery.found)
        if not len(gallery):
            return EmptyGallery(self.strangers)
        return EmbeddedGallery(self, self.fit(self.embed(gallery), gallery.identities))


@dataclass(frozen=True)
class EmbeddedGallery:
    """A matcher that was fitted to a gallery's embeddings."""

    recognition: Embedding
    fitted: Fitted

    @property
    def strangers(self) -> Strangers | None:
        """Who stands in it beside those who are enrolled."""
        return self.recognition.strangers

    def search(self, probes: Pictures, k: int, /) -> Candidates:
        """As `Gallery.search`; a probe without a face finds nobody."""
        rows = probes.found.nonzero().flatten()
        answer = nothing(len(probes), k)
        if len(rows):
            vectors = self.recognition.embed(probes.select(rows))
            found = self.fitted.search(vectors, k)
            if self.strangers is not None:
                found = merged([found, self.strangers.search(vectors, k)], k)
            width = found.scores.shape[1]
            answer.scores[rows, :width] = found.scores.to(answer.scores.dtype)
            answer.identities[rows, :width] = found.identities
        return answer

    def likeness(self, probes: Pictures, claimed: Tensor, /) -> Tensor:
        """As `Gallery.likeness`."""
        rows = probes.found.nonzero().flatten()
        scores = torch.full((len(probes),), -torch.inf)
        if len(rows):
            vectors = self.recognition.embed(probes.select(rows))
            scores[rows] = self.fitted.likeness(vectors, claimed[rows]).to(scores.dtype)
        return scores


@dataclass(frozen=True)
class EmptyGallery:
    """Nobody is enrolled."""

    strangers: Strangers | None = None
    """Who would stand beside them: among them, nobody's person is found."""

    def search(self, probes: Pictures, k: int, /) -> Candidates:
        """Finds nobody."""
        return nothing(len(probes), k)

    def likeness(self, probes: Pictures, claimed: Tensor, /) -> Tensor:
        """Has nothing to compare."""
        del claimed
        return torch.full((len(probes),), -torch.inf)
