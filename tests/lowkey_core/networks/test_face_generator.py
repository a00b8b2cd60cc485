"""The generator, the priors of its latent codes, and the camera effects."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor

from lowkey_core.networks.face_generator import (
    IDENTITY,
    MARGIN,
    NUISANCE,
    SIDE,
    FaceGenerator,
    IdentityPrior,
    camera_effects,
)
from lowkey_core.types import FACE_SIZE


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def codes(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Random identity (count, 128) and nuisance (count, 64)."""
    rng = seeded(seed)
    return torch.randn(count, IDENTITY, generator=rng), torch.randn(count, NUISANCE, generator=rng)


@pytest.fixture
def prior() -> IdentityPrior:
    """Identities around 1, nuisance around 2; factors are multiples of the identity matrix."""
    made = IdentityPrior()
    made.people_mean.fill_(1)
    made.people_factor.copy_(0.5 * torch.eye(IDENTITY))
    made.pictures_factor.copy_(0.1 * torch.eye(IDENTITY))
    made.nuisance_mean.fill_(2)
    made.nuisance_factor.copy_(0.3 * torch.eye(NUISANCE))
    return made


@torch.no_grad()
def test_a_portrait_is_a_template_with_a_margin() -> None:
    portraits = FaceGenerator()(*codes(2))
    assert portraits.shape == (2, 3, SIDE, SIDE)
    assert portraits.dtype == torch.float32
    assert portraits.min() >= 0
    assert portraits.max() <= 1
    inner = portraits[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN]
    assert inner.shape == (2, 3, FACE_SIZE, FACE_SIZE)


@torch.no_grad()
def test_untrained_it_returns_the_mean() -> None:
    torch.manual_seed(0)
    mean = torch.rand(1, 3, SIDE, SIDE, generator=seeded()) * 0.8 + 0.1
    assert (FaceGenerator(mean)(*codes(2)) - mean).abs().mean() < 0.03
    assert (FaceGenerator()(*codes(2)) - 0.5).abs().mean() < 0.03


@torch.no_grad()
def test_identity_and_nuisance_change_the_picture_and_neighbours_do_not() -> None:
    generator, (who, how) = FaceGenerator().eval(), codes(2)
    one, other = generator(who, how)
    assert not torch.equal(generator(who[:1], how[1:])[0], one)
    assert not torch.equal(generator(who[1:], how[:1])[0], one)
    assert torch.allclose(generator(who[1:], how[1:])[0], other, atol=1e-5)


def test_the_docstring_has_the_number_of_parameters() -> None:
    count = sum(p.numel() for p in FaceGenerator().parameters())
    said = re.search(r"([\d.]+) million parameters", FaceGenerator.__doc__ or "")
    assert said is not None
    assert float(said[1]) == pytest.approx(count / 1e6, abs=0.1)


def test_a_prior_gives_what_the_generator_takes(prior: IdentityPrior) -> None:
    rng = seeded()
    person = prior.person(rng)
    who, how = prior.codes(person, 5, rng)
    assert person.shape == (1, IDENTITY)
    assert who.shape == (5, IDENTITY)
    assert how.shape == (5, NUISANCE)


def test_samples_have_the_priors_moments(prior: IdentityPrior) -> None:
    rng = seeded()
    people = torch.cat([prior.person(rng) for _ in range(400)])
    who, how = prior.codes(people[:1], 400, rng)
    assert people.mean().item() == pytest.approx(1, abs=0.02)
    assert people.std(0).mean().item() == pytest.approx(0.5, abs=0.02)
    assert torch.allclose(who.mean(0, keepdim=True), people[:1], atol=0.03)
    assert who.std(0).mean().item() == pytest.approx(0.1, abs=0.01)
    assert how.mean().item() == pytest.approx(2, abs=0.02)
    assert how.std(0).mean().item() == pytest.approx(0.3, abs=0.02)


def test_each_seed_gives_its_own_person(prior: IdentityPrior) -> None:
    def drawn(seed: int) -> Tensor:
        rng = seeded(seed)
        return torch.cat(prior.codes(prior.person(rng), 3, rng), 1)

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


def test_without_variance_all_samples_are_the_mean(prior: IdentityPrior) -> None:
    prior.people_factor.zero_()
    assert torch.equal(prior.person(seeded(1)), prior.person(seeded(2)))
    prior.pictures_factor.zero_()
    prior.nuisance_factor.zero_()
    who, how = prior.codes(prior.person(seeded()), 3, seeded())
    assert torch.equal(who, torch.ones(3, IDENTITY))
    assert torch.equal(how, torch.full((3, NUISANCE), 2.0))


def test_the_state_of_a_prior_has_these_names() -> None:
    """They are the names in the weight file."""
    assert set(IdentityPrior().state_dict()) == {
        "people_mean",
        "people_factor",
        "pictures_factor",
        "nuisance_mean",
        "nuisance_factor",
    }


@pytest.mark.parametrize(
    "make", [torch.zeros, torch.ones, lambda *s: torch.rand(*s, generator=seeded())]
)
def test_camera_effects_keep_shape_and_range(make: Callable[..., Tensor]) -> None:
    portraits = make(4, 3, SIDE, SIDE)
    photos = camera_effects(portraits, seeded())
    assert photos.shape == portraits.shape
    assert photos.dtype == torch.float32
    assert photos.min() >= 0
    assert photos.max() <= 1


def test_camera_effects_differ_between_pictures() -> None:
    portraits = torch.rand(1, 3, 20, 20, generator=seeded()).expand(5, -1, -1, -1)
    before = portraits.clone()
    photos = camera_effects(portraits, seeded())
    assert torch.equal(portraits, before), "the input is unchanged"
    looks = [before[0], *photos]
    for i, look in enumerate(looks):
        assert all((look - other).abs().mean() > 0.005 for other in looks[:i])


def test_camera_effects_depend_on_the_generator_only() -> None:
    portraits = torch.rand(2, 3, 20, 20, generator=seeded())
    torch.manual_seed(1)
    first, state = camera_effects(portraits, seeded(3)), torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(camera_effects(portraits, seeded(3)), first)
    assert not torch.equal(camera_effects(portraits, seeded(4)), first)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state), "the global generator is unchanged"


def test_camera_effects_add_noise() -> None:
    grey = torch.full((20, 3, SIDE, SIDE), 0.5)
    taken = camera_effects(grey, seeded())
    spreads = taken.std((2, 3)).mean(1)
    assert spreads.min() == pytest.approx(0.01, abs=0.003)
    assert spreads.max() == pytest.approx(0.03, abs=0.003)
    assert not torch.equal(taken[0] - taken[0].mean(), taken[1] - taken[1].mean())
