"""Who does a probe look most like? Against scikit-learn, and against a loop over a gallery."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lowkey_core.matchers import MATCHERS
from lowkey_core.recognition.candidates import merged, nothing, stacked, widened
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import NOT_FOUND, Candidates, Pictures
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, people

GALLERY = F.normalize(torch.randn(40, 16, generator=torch.Generator().manual_seed(0)))
IDENTITIES = torch.arange(8).repeat(5) * 3  # identities need not be 0, 1, 2, ...
PROBES = F.normalize(torch.randn(25, 16, generator=torch.Generator().manual_seed(1)))


class Direction(NearestCentroid):
    """NearestCentroid among directions: means of unit vectors are shorter than 1."""

    def fit(self, x: npt.NDArray[np.float32], y: npt.NDArray[np.int64]) -> Direction:
        super().fit(x, y)
        self.centroids_ /= np.linalg.norm(self.centroids_, axis=1, keepdims=True)
        return self


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("nn", KNeighborsClassifier(1)),
        ("knn:k=1", KNeighborsClassifier(1, metric="cosine")),
        ("centroid", Direction()),
        ("linear", make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))),
    ],
)
def test_best_match_is_scikit_learns(name: str, oracle: KNeighborsClassifier) -> None:
    found = MATCHERS.load(name)(GALLERY, IDENTITIES).search(PROBES, 1)
    oracle.fit(GALLERY.numpy(), IDENTITIES.numpy())
    assert found.identities[:, 0].tolist() == oracle.predict(PROBES.numpy()).tolist()


def test_nearest_neighbours_likeness_is_the_best_cosine() -> None:
    fitted = MATCHERS.load("nn")(GALLERY, IDENTITIES)
    for who in IDENTITIES.unique():
        cosines = torch.stack([PROBES @ row for row in GALLERY[who == IDENTITIES]], 1)
        likeness = fitted.likeness(PROBES, who.expand(len(PROBES)))
        assert torch.allclose(likeness, cosines.amax(1), atol=1e-6)


@pytest.mark.parametrize("k", [2, 5, 13, 40, 100])
def test_votes_are_scikit_learns(k: int) -> None:
    """Of as many pictures as there are, at most."""
    oracle = KNeighborsClassifier(min(k, len(GALLERY)), metric="cosine")
    oracle.fit(GALLERY.numpy(), IDENTITIES.numpy())
    votes = torch.from_numpy(oracle.predict_proba(PROBES.numpy()) * oracle.n_neighbors)
    fitted = MATCHERS.load(f"knn:k={k}")(GALLERY, IDENTITIES)
    for column, who in enumerate(IDENTITIES.unique()):
        likeness = fitted.likeness(PROBES, who.expand(len(PROBES)))
        assert likeness.floor().tolist() == votes[:, column].round().tolist()


def test_equally_many_votes_are_decided_by_the_nearest_picture() -> None:
    gallery = F.normalize(torch.tensor([[1.0, 0.1], [1, 0.8], [1, 0], [0, 1], [-1, 0]]))
    fitted = MATCHERS.load("knn:k=3")(gallery, torch.tensor([1, 1, 2, 3, 4]))
    found = fitted.search(torch.tensor([[1.0, 0.0]]), 4)
    assert found.identities.tolist() == [[1, 2, 3, 4]], "two votes, one, none"
    fitted = MATCHERS.load("knn:k=2")(gallery, torch.tensor([1, 1, 2, 3, 4]))
    found = fitted.search(torch.tensor([[1.0, 0.0]]), 4)
    assert found.identities.tolist() == [[2, 1, 3, 4]], "one each: the nearer first"


def test_a_centroids_likeness_is_the_cosine_of_the_mean() -> None:
    fitted = MATCHERS.load("centroid")(GALLERY, IDENTITIES)
    for who in IDENTITIES.unique():
        mean = GALLERY[who == IDENTITIES].mean(0, keepdim=True)
        likeness = fitted.likeness(PROBES, who.expand(len(PROBES)))
        assert torch.allclose(likeness, F.cosine_similarity(PROBES, mean), atol=1e-6)


def test_linear_likeness_is_the_margin_of_the_claimed_identity() -> None:
    fitted = MATCHERS.load("linear")(GALLERY, IDENTITIES)
    oracle = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
    margins = oracle.fit(GALLERY.numpy(), IDENTITIES.numpy()).decision_function(PROBES.numpy())
    for column, who in enumerate(IDENTITIES.unique()):
        likeness = fitted.likeness(PROBES, who.expand(len(PROBES)))
        assert torch.allclose(likeness.double(), torch.from_numpy(margins[:, column]).double())


def test_ranks_count_from_one_and_strangers_have_none() -> None:
    scores, known = torch.tensor([[0.9, 0.8, 0.7]] * 3), torch.tensor([[7, 5, 9]] * 3)
    found = Candidates(scores, known)
    assert found.ranks(torch.tensor([7, 9, 4])).tolist() == [1, 3, NOT_FOUND]
    assert nothing(2, 3).ranks(torch.tensor([1, -1])).tolist() == [NOT_FOUND] * 2
    assert nothing(2, 0).ranks(torch.tensor([1, 2])).tolist() == [NOT_FOUND] * 2


def candidates(*rows: dict[int, float]) -> Candidates:
    return Candidates(
        torch.tensor([list(row.values()) for row in rows]),
        torch.tensor([list(row) for row in rows]),
    )


def test_parts_of_a_gallery_are_merged_best_first_and_ties_in_their_order() -> None:
    one, two = candidates({1: 0.9, 2: 0.3}), candidates({5: 0.9, 6: 0.8})
    found = merged([one, two], 3)
    assert found.identities.tolist() == [[1, 5, 6]]
    assert merged([one, two], 9).identities.tolist() == [[1, 5, 6, 2]]


def test_searches_of_different_probes_are_stacked_and_made_as_wide() -> None:
    found = stacked([candidates({1: 0.5}), candidates({2: 0.4, 3: 0.3})], 2)
    assert found.identities.tolist() == [[1, -1], [2, 3]]
    assert found.scores[0, 1] == -torch.inf
    assert stacked([], 4).scores.shape == (0, 4)
    assert widened(found, 1) is found


@pytest.fixture
def embedding() -> Embedding:
    return Embedding(TinyNetwork(), MATCHERS.load("nn"), "nn", Work())


def test_an_embedding_enrols_pictures_and_finds_their_people(embedding: Embedding) -> None:
    pictures = people(5, 3)
    probes = pictures.select(range(0, 15, 3))
    gallery = embedding.enrol(pictures.select([i for i in range(15) if i % 3]))
    found = gallery.search(probes, 2)
    assert found.ranks(probes.identities).tolist() == [1] * 5
    assert torch.allclose(gallery.likeness(probes, probes.identities), found.scores[:, 0])


def test_an_embedding_is_the_mean_of_both_views(embedding: Embedding, pictures: Pictures) -> None:
    images = pictures.faces()
    views = embedding.network(images) + embedding.network(images.flip(-1))
    assert torch.allclose(embedding.embed(pictures), F.normalize(views), atol=1e-6)


def test_nobody_enrolled_is_nobody_found(embedding: Embedding, pictures: Pictures) -> None:
    gallery = embedding.enrol(pictures.select([]))
    found = gallery.search(pictures, 3)
    assert (found.identities == -1).all()
    assert found.ranks(pictures.identities).tolist() == [NOT_FOUND] * len(pictures)
    assert (gallery.likeness(pictures, pictures.identities) == -torch.inf).all()
