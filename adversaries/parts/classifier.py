"""A gallery that is a classifier: whoever is searched for gets a score for each identity in it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adversaries import System
from lowkey_core.recognition.candidates import best, nothing
from lowkey_core.recognition.embedding import Embedding, EmptyGallery
from lowkey_core.types import Candidates, Embeddings, Images, Pictures, Template
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.runtime import device_of
from lowkey_core.work.work import Work

SCALE = 16.0
"""Of cosines, before the softmax: ours, as in `adaptive`."""


def class_means(embeddings: Embeddings, classes: Tensor) -> Tensor:
    """(c, d): the sum of each class's embeddings, normalised. classes: (n,) int64 from 0 to c - 1,
    each at least once."""
    sums = torch.zeros(int(classes.max()) + 1, embeddings.shape[1])
    return F.normalize(sums.index_add(0, classes, embeddings.cpu()))


class Classifier(nn.Module):
    """An extractor, and one vector per identity; both are trained."""

    def __init__(self, network: nn.Module, prototypes: Tensor) -> None:
        """network: images to unit vectors (n, d). prototypes: (c, d)."""
        super().__init__()
        self.network = network
        self.prototypes = nn.Parameter(prototypes.to(device_of(network)))

    def forward(self, images: Images) -> Tensor:
        """Logits (n, c): cosines times SCALE."""
        logits: Tensor = SCALE * self.network(images) @ F.normalize(self.prototypes).T
        return logits


class Scores:
    """What a classifier says of a face: (n, c), log-probabilities of its softmax, the mean of the
    face and its mirror image."""

    def __init__(self, classifier: Classifier) -> None:
        """The classifier must not change afterwards."""
        self.classifier = classifier.eval().requires_grad_(False)

    @cached_property
    def fingerprint(self) -> str:
        """Of the weights."""
        return fingerprint(type(self), self.classifier)

    def __call__(self, images: Images, /) -> Tensor:
        """images: (n, 3, size, size)."""
        images = images.to(device_of(self.classifier))
        views = [F.log_softmax(self.classifier(v), 1) for v in (images, images.flip(-1))]
        return (views[0] + views[1]) / 2


@dataclass(frozen=True)
class ClassGallery:
    """Identities that a classifier was trained on; nobody else can be found."""

    scores: Scores
    known: Tensor
    """(c,) int64: the identity of each class."""
    template: Template
    """How faces are cut for the classifier."""
    work: Work

    def search(self, probes: Pictures, k: int, /) -> Candidates:
        """As `Gallery.search`, by class scores; a probe without a face finds nobody."""
        rows, answer = probes.found.nonzero().flatten(), nothing(len(probes), k)
        if len(rows):
            found = best(self._scores(probes.select(rows)), self.known, k)
            width = found.scores.shape[1]
            answer.scores[rows, :width] = found.scores
            answer.identities[rows, :width] = found.identities
        return answer

    def likeness(self, probes: Pictures, claimed: Tensor, /) -> Tensor:
        """As `Gallery.likeness`: the score of the claimed class."""
        rows = probes.found.nonzero().flatten()
        likeness = torch.full((len(probes),), -torch.inf)
        if len(rows):
            own = claimed[rows].unsqueeze(1) == self.known
            scores = self._scores(probes.select(rows))
            likeness[rows] = scores.where(own, -torch.inf).amax(1)
        return likeness

    def _scores(self, probes: Pictures) -> Tensor:
        return self.work.per_item(
            "asking classifiers of the gallery",
            self.scores,
            probes.digests,
            lambda rows: probes.faces(self.template, rows),
        )


class Fit(Protocol):
    """How a classifier is trained on a gallery."""

    @property
    def digest(self) -> str:
        """Names all that a training depends on, apart from the gallery."""
        ...

    def __call__(self, classifier: Classifier, pictures: Pictures, classes: Tensor, /) -> None:
        """Trains in place. pictures: all with a face. classes: (n,) int64, each at least once."""
        ...


def no_more(_scraped: Pictures) -> Pictures:
    """What is scraped is all that there is to learn from."""
    return Pictures(())


@dataclass(frozen=True)
class OnGallery:
    """What is ready to be trained on any gallery: `Prepared`. Every gallery is trained from the
    same weights, with the same seed and recipe."""

    start: Embedding
    """Its network can be trained, and never changes."""
    fit: Fit
    work: Work
    more: Callable[[Pictures], Pictures] = no_more
    """From what was scraped to further pictures of the same identities."""
    learned: Mapping[str, float] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Of what every training starts from."""
        return fingerprint(self.start.network, self.fit.digest)

    def __call__(self, scraped: Pictures, /) -> System:
        """As `Prepared`; trains. Pictures without a face are not learned from."""
        unsuspected = torch.zeros(len(scraped)).bool()
        shown = scraped.select(scraped.found)
        if not len(shown):
            return System(EmptyGallery(), scraped, unsuspected)
        known, classes = shown.identities.unique(return_inverse=True)
        network = self.start.network
        assert isinstance(network, nn.Module)
        classifier = Classifier(
            copy.deepcopy(network).eval().requires_grad_(True),
            class_means(self.start.embed(shown), classes),
        )
        more = self.more(scraped)
        pictures = shown.join(more.select(torch.isin(more.identities, known) & more.found))
        self.fit(classifier, pictures, torch.searchsorted(known, pictures.identities))
        gallery = ClassGallery(Scores(classifier), known, network.template, self.work)
        return System(gallery, scraped, unsuspected)
