"""One network under two files is one network; two networks are two."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from itertools import combinations

import pytest
import torch
from torch import Tensor, nn

from audit.relations import fixed_batch
from lowkey_core import recognisers
from lowkey_core.errors import MissingWeightsError
from lowkey_core.recognition.sameness import TOLERANCE, cosines, difference, same
from lowkey_core.types import Network
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork

HERE = ("dlib", "zoo:ir-arcface", "zoo:resnet-cosface", "zoo:mobile", "zoo:vit")
FETCHED = ("mobilefacenet:ms1m", "mobilefacenet:casia", "mobilefacenet:faceplugin", "edgeface:xxs")


@cache
def told(name: str) -> Tensor:
    return seen(recognisers.network(name))


def seen(network: Network) -> Tensor:
    return cosines(network, fixed_batch(Work()), Work())


class Turned(nn.Module):
    """The network's embeddings after a rotation and a permutation, padded with zeros."""

    def __init__(self, network: TinyNetwork) -> None:
        super().__init__()
        self.network, self.template = network, network.template
        self.card = replace(network.card, name="turned", lineage=frozenset({"turned"}))
        rng = torch.Generator().manual_seed(7)
        self.turn = torch.linalg.qr(torch.randn(32, 32, generator=rng))[0]
        self.order = torch.randperm(32, generator=rng)

    def forward(self, images: Tensor) -> Tensor:
        turned = (self.network(images) @ self.turn)[:, self.order]
        return torch.nn.functional.pad(turned, (0, 8))


def test_a_turned_embedding_is_of_the_same_network() -> None:
    network = TinyNetwork(1)
    assert difference(seen(network), seen(Turned(network))) < 1e-4


def test_networks_of_other_seeds_are_others() -> None:
    tiny = [seen(TinyNetwork(seed)) for seed in range(4)]
    assert not any(same(one, other) for one, other in combinations(tiny, 2))


def test_rounded_weights_are_the_same_network() -> None:
    network = recognisers.network("zoo:mobile")
    assert isinstance(network, nn.Module)
    rounded = copy.deepcopy(network)
    for parameter in rounded.parameters():
        parameter.data = parameter.data.bfloat16().float()
    apart = difference(told("zoo:mobile"), seen(rounded))
    assert 0 < apart < TOLERANCE / 4


def test_networks_at_hand_are_twice_as_far_apart_as_it_takes() -> None:
    for one, other in combinations(HERE, 2):
        assert difference(told(one), told(other)) > 2 * TOLERANCE, (one, other)


def present(name: str) -> bool:
    try:
        told(name)
    except MissingWeightsError:
        return False
    return True


@pytest.mark.faces
def test_fetched_networks_are_too() -> None:
    fetched = [name for name in FETCHED if present(name)]
    if not fetched:
        pytest.skip("no fetched network is at hand")
    for one, other in combinations((*HERE, *fetched), 2):
        assert difference(told(one), told(other)) > 2 * TOLERANCE, (one, other)


def test_a_network_is_looked_at_once(tmp_path: object) -> None:
    class Counting(TinyNetwork):
        calls = 0

        def forward(self, images: Tensor) -> Tensor:
            type(self).calls += 1
            return super().forward(images)

    work, network = Work(Cache(None)), Counting(1)
    faces = fixed_batch(work)
    first = cosines(network, faces, work)
    made = Counting.calls
    assert torch.equal(cosines(network, faces, work), first)
    assert Counting.calls == made > 0
