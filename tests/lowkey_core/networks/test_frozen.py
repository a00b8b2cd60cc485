"""What makes trained networks faster, against PyTorch's own layers."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from lowkey_core.networks.frozen import PReLU, folded
from lowkey_core.networks.small import NETWORKS
from lowkey_core.types import FACE_SIZE


def settled(network: nn.Module) -> nn.Module:
    """With statistics and weights that are not the initial ones."""
    rng = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            for values in (module.running_var, module.weight.data):
                assert values is not None
                values.uniform_(0.5, 1.5, generator=rng)
            for values in (module.running_mean, module.bias.data):
                assert values is not None
                values.normal_(0, 0.2, generator=rng)
    return network.eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_folded_network_gives_the_same_with_the_same_gradient(name: str) -> None:
    torch.manual_seed(0)
    plain = settled(NETWORKS[name]())
    quick = folded(copy.deepcopy(plain))
    faces = torch.rand(2, 3, FACE_SIZE, FACE_SIZE, requires_grad=True)
    expected, out = plain(faces), quick(faces)
    torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-5)
    slopes = [torch.autograd.grad(o.square().sum(), faces)[0] for o in (expected, out)]
    torch.testing.assert_close(slopes[1], slopes[0], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_normalisation_is_left_behind_a_convolution(name: str) -> None:
    for module in folded(NETWORKS[name]()).modules():
        if isinstance(module, nn.Sequential):
            assert not any(
                isinstance(a, nn.Conv2d) and isinstance(b, nn.BatchNorm2d)
                for a, b in pairwise(module)
            )


def test_a_sequence_that_does_something_else_between_its_layers_is_left_alone() -> None:
    class Shifted(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return self[1](self[0](x) + 1)  # type: ignore[no-any-return]

    network = folded(Shifted(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)))
    assert isinstance(network[1], nn.BatchNorm2d)  # type: ignore[index]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("trained", [True, False])
def test_prelu_is_pytorchs(layout: torch.memory_format, trained: bool) -> None:
    torch.manual_seed(0)
    ours, theirs = PReLU(5), nn.PReLU(5)
    for layer in (ours, theirs):
        layer.weight.data = torch.tensor([-0.3, 0.0, 0.25, 0.7, 1.4])
        layer.requires_grad_(trained)
    x = torch.randn(3, 5, 7, 6).contiguous(memory_format=layout)
    x[0, 0, 0, 0] = 0
    x.requires_grad_()
    weights = torch.randn(3, 5, 7, 6)
    assert torch.equal(ours(x), theirs(x))
    of = [(x, layer.weight) if trained else (x,) for layer in (theirs, ours)]
    for expected, got in zip(
        *(
            torch.autograd.grad((layer(x) * weights).sum(), inputs)
            for layer, inputs in zip((theirs, ours), of, strict=True)
        ),
        strict=True,
    ):
        torch.testing.assert_close(got, expected)
