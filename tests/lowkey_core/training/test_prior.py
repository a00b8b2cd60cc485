"""The identity prior of SynthFaces."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lowkey_core.networks.face_generator import IDENTITY, NUISANCE
from lowkey_core.training import prior
from lowkey_core.training.prior import codes, fit_prior, gaussian_factor
from tests.lowkey_core.training.examples import seeded


def test_a_factor_gives_its_covariance() -> None:
    root = torch.randn(6, 4, generator=seeded())
    covariance = root @ root.T  # of rank 4
    factor = gaussian_factor(covariance)
    assert torch.allclose(factor @ factor.T, covariance, atol=1e-4)
    below = gaussian_factor(torch.diag(torch.tensor([4.0, -1.0])))
    assert torch.allclose(below @ below.T, torch.diag(torch.tensor([4.0, 0.0])), atol=1e-6)


def test_codes_are_centred_and_of_about_unit_variance() -> None:
    embeddings = F.normalize(torch.randn(500, IDENTITY, generator=seeded()))
    made = codes(embeddings)
    assert made.mean(0).abs().max() < 1e-4
    assert made.var().item() == pytest.approx(1, abs=0.05)


def test_the_prior_has_the_covariances_of_the_training_faces() -> None:
    """Samples of known Gaussians, 3000 people with up to five pictures: the fit finds them."""
    rng = seeded()
    between = torch.linspace(0.2, 2, IDENTITY)
    within = torch.linspace(1, 0.1, IDENTITY)
    mean = torch.randn(IDENTITY, generator=rng)
    people = torch.arange(3000).repeat_interleave(torch.arange(3000) % 5 + 1)
    persons = mean + between.sqrt() * torch.randn(3000, IDENTITY, generator=rng)
    off = within.sqrt() * torch.randn(len(people), IDENTITY, generator=rng)
    nuisance_mean = 0.5 + torch.randn(len(people), NUISANCE, generator=rng)
    log_variance = torch.full((len(people), NUISANCE), math.log(0.25))
    fitted = fit_prior(persons[people] + off, people, (nuisance_mean, log_variance))

    def covariance(factor: Tensor) -> Tensor:
        return factor @ factor.T

    for factor, variances in (
        (fitted.people_factor / prior._BETWEEN, between),
        (fitted.pictures_factor / prior._WITHIN, within),
        (fitted.nuisance_factor / prior._NUISANCE, torch.full((NUISANCE,), 1.25)),
    ):
        error = covariance(factor) - variances.diag()
        assert error.norm() / variances.norm() < 0.35
        assert (error.diag() / variances).abs().mean() < 0.1
    assert torch.allclose(fitted.people_mean, mean, atol=0.15)
    assert torch.allclose(fitted.nuisance_mean, torch.full((NUISANCE,), 0.5), atol=0.1)
