"""ART's estimators say what the networks say; held to the networks and to autograd."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from art.attacks.evasion import ProjectedGradientDescent
from torch import Generator

from lowkey_core.networks import art
from lowkey_core.types import Images, Template
from tests.conftest import TinyNetwork, people

ONE, TWO = TinyNetwork(1), TinyNetwork(2)


@pytest.fixture
def clean() -> Images:
    return people(3, 1).faces()


@pytest.fixture
def beside(clean: Images) -> Images:
    noise = torch.rand(clean.shape, generator=Generator().manual_seed(0)) - 0.5
    return (clean + noise / 16).clamp(0, 1)


def test_predicts_what_the_network_does(clean: Images) -> None:
    predicted = art.regressor([ONE]).predict(clean.numpy())
    assert predicted.dtype == np.float32
    assert np.allclose(predicted, ONE(clean).numpy(), atol=1e-6)


def test_the_cosine_of_several_networks_is_the_mean_of_theirs(
    clean: Images, beside: Images
) -> None:
    estimator = art.regressor([ONE, TWO])
    one, two = estimator.predict(clean.numpy()), estimator.predict(beside.numpy())
    cosines = [(f(clean) * f(beside)).sum(1) for f in (ONE, TWO)]
    assert np.allclose(np.linalg.norm(one, axis=1), 1, atol=1e-6)
    assert np.allclose((one * two).sum(1), sum(cosines) / 2, atol=1e-6)


def test_the_regressor_s_gradient_is_autograd_s(clean: Images, beside: Images) -> None:
    estimator = art.regressor([ONE, TWO])
    x = beside.clone().requires_grad_()
    cosines = [F.cosine_similarity(f(x), f(clean)) for f in (ONE, TWO)]
    (wanted,) = torch.autograd.grad((2 - cosines[0] - cosines[1]).sum() / 2, x)
    given = estimator.loss_gradient(beside.numpy(), estimator.predict(clean.numpy()))
    assert given.dtype == np.float32
    assert np.allclose(given, wanted, atol=1e-7)


def test_the_regressor_s_loss_is_one_minus_cosine(clean: Images, beside: Images) -> None:
    estimator = art.regressor([ONE])
    home = estimator.predict(clean.numpy())
    wanted = 1 - (ONE(beside) * ONE(clean)).sum(1)
    each = estimator.compute_loss(beside.numpy(), home.astype(np.float64), reduction="none")
    assert np.allclose(each, wanted, atol=1e-6)
    mean = estimator.compute_loss(beside.numpy(), home, reduction="mean")
    assert np.isclose(mean, wanted.mean(), atol=1e-6)


def test_the_classifier_says_who_it_is_and_gives_the_gradient_of_that(
    clean: Images, beside: Images
) -> None:
    centres = ONE(clean)
    estimator = art.classifier([ONE], 3 * centres)  # of any length
    logits = 16 * ONE(beside) @ centres.T
    assert np.allclose(estimator.predict(beside.numpy()), logits, atol=1e-4)
    x, who = beside.clone().requires_grad_(), torch.arange(3)
    (wanted,) = torch.autograd.grad(F.cross_entropy(16 * ONE(x) @ centres.T, who), x)
    assert np.allclose(estimator.loss_gradient(beside.numpy(), np.eye(3)), wanted, atol=1e-6)


def test_networks_are_fed_at_their_own_template(clean: Images) -> None:
    """A network that wants the face half as large gets it so, and passes a gradient back."""

    class Half(TinyNetwork):
        template = Template("half", 56, ((0.5, 0, 0), (0, 0.5, 0)))

        def forward(self, images: Images) -> Images:
            assert images.shape[2:] == (56, 56)
            return super().forward(F.interpolate(images, size=112))

    estimator = art.regressor([Half()])
    home = estimator.predict(clean.numpy())
    assert estimator.loss_gradient(clean.flip(-1).numpy(), home).any()


def test_neither_mode_nor_weights_of_the_networks_change(clean: Images) -> None:
    network = TinyNetwork(3).train()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    estimator = art.regressor([network])
    estimator.loss_gradient(clean.numpy(), estimator.predict(clean.numpy()))
    estimator.get_activations(clean.numpy(), art.EMBEDDING)
    assert network.training
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())


def test_the_embedding_is_a_layer(clean: Images) -> None:
    for estimator in (art.regressor([ONE]), art.classifier([ONE], ONE(clean))):
        activations = estimator.get_activations(clean.numpy(), art.EMBEDDING, 8)
        assert np.allclose(activations, ONE(clean), atol=1e-6)


def test_an_attack_of_art_itself_runs_on_it(clean: Images, beside: Images) -> None:
    """As anybody would write it who knows ART and not us."""
    estimator = art.regressor([ONE])
    home = estimator.predict(clean.numpy())
    attack = ProjectedGradientDescent(
        estimator, eps=8 / 255, eps_step=2 / 255, max_iter=5, verbose=False
    )
    moved = attack.generate(beside.numpy(), y=home)
    before, after = ((ONE(x) * ONE(clean)).sum(1) for x in (beside, torch.from_numpy(moved)))
    assert (after < before - 0.1).all()


def test_global_generators_are_as_before_also_after_an_error() -> None:
    np.random.seed(5)
    state, other = np.random.get_state(), torch.random.get_rng_state()
    with art.contained(1):
        first = np.random.rand()
        torch.rand(1)
    again = []
    with pytest.raises(ZeroDivisionError):
        fail_inside(again)
    assert again == [first]
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), state, strict=True))
    assert torch.equal(torch.random.get_rng_state(), other)


def fail_inside(drawn: list[float]) -> None:
    with art.contained(1):
        drawn.append(np.random.rand())
        raise ZeroDivisionError


def test_a_file_of_settings_that_another_process_makes_in_between_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened, asked = importlib.import_module, list[str]()

    def once_too_early(name: str) -> ModuleType:
        asked.append(name)
        if len(asked) == 1:
            raise NameError("name '_config' is not defined")
        return opened(name)

    monkeypatch.setattr(importlib, "import_module", once_too_early)
    assert art.module("art.config").ART_DATA_PATH
    assert asked == ["art.config"] * 2
