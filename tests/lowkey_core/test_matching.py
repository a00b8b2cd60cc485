"""Who does a probe look most like?"""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lowkey_core.matchers import MATCHERS, NOT_ENROLLED, ranking, ranks_of

GALLERY = F.normalize(torch.randn(40, 16, generator=torch.Generator().manual_seed(0)))
IDENTITIES = torch.arange(8).repeat(5) * 3  # identities need not be 0, 1, 2, ...
PROBES = F.normalize(torch.randn(25, 16, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("nn", KNeighborsClassifier(1)),
        ("linear", make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))),
    ],
)
def test_best_match_is_scikit_learns(name: str, oracle: KNeighborsClassifier) -> None:
    scores = MATCHERS[name](GALLERY, IDENTITIES)(PROBES)
    oracle.fit(GALLERY.numpy(), IDENTITIES.numpy())
    best = ranking(scores, IDENTITIES.unique())[:, 0]
    assert best.tolist() == oracle.predict(PROBES.numpy()).tolist()


@pytest.mark.parametrize("name", MATCHERS)
@pytest.mark.parametrize("people", [1, 2, 3])
def test_few_identities_are_enough(name: str, people: int) -> None:
    mine = 3 * people > IDENTITIES
    scores = MATCHERS[name](GALLERY[mine], IDENTITIES[mine])(GALLERY[mine])
    assert scores.shape == (int(mine.sum()), people)
    best = ranking(scores, IDENTITIES[mine].unique())[:, 0]
    assert (best == IDENTITIES[mine]).float().mean() > 0.9


def test_ranks_count_from_one_and_strangers_have_none() -> None:
    identified = torch.tensor([[7, 5, 9], [7, 5, 9], [7, 5, 9]])
    assert ranks_of(identified, torch.tensor([7, 9, 4])).tolist() == [1, 3, NOT_ENROLLED]
    assert ranks_of(torch.zeros(2, 0), torch.tensor([1, 2])).tolist() == [NOT_ENROLLED] * 2
