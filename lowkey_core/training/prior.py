"""The identity prior of SynthFaces: Gaussians fitted to the generator's training set."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lowkey_core.networks.face_generator import IDENTITY, IdentityPrior
from lowkey_core.types import Embeddings

_BETWEEN, _WITHIN, _NUISANCE = 1.5, 0.75, 0.65
"""Factors on the standard deviations between people, within a person, and of the nuisance. The
generator does not follow its code exactly. With these factors, recognisers that were no critics
find two pictures of one person about as similar as real ones (`python -m benchmarks.synthfaces`).
"""


def codes(embeddings: Embeddings) -> Tensor:
    """Identity codes (n, 128), centred and of about unit variance, from embeddings of unit norm."""
    return (embeddings - embeddings.mean(0)).mul(math.sqrt(IDENTITY))


def gaussian_factor(covariance: Tensor) -> Tensor:
    """L, (d, d), with L L' = covariance, (d, d). Negative eigenvalues count as 0."""
    values, vectors = torch.linalg.eigh(covariance.double())
    factor: Tensor = vectors * values.clamp(min=0).sqrt()
    return factor.float()


def fit_prior(codes: Tensor, people: Tensor, nuisance: tuple[Tensor, Tensor]) -> IdentityPrior:
    """Fit the Gaussians of the training set: between people, within a person, and the nuisance.

    codes: (n, 128). people: (n,) int64. nuisance: the encoder's means and log-variances, (n, 64)
    each.
    """
    count = torch.bincount(people)
    means = torch.zeros(len(count), IDENTITY).index_add(0, people, codes) / count[:, None]
    several = count[people] > 1
    off = (codes - means[people])[several]
    # The variance about a mean of n pictures is too small by the factor (n - 1) / n.
    freedom = len(off) - int((count > 1).sum())
    within = off.T @ off / freedom
    between = torch.cov(codes.T) - within
    mean, log_variance = nuisance
    prior = IdentityPrior()
    prior.people_mean.copy_(codes.mean(0))
    prior.people_factor.copy_(_BETWEEN * gaussian_factor(between))
    prior.pictures_factor.copy_(_WITHIN * gaussian_factor(within))
    prior.nuisance_mean.copy_(mean.mean(0))
    spread = torch.cov(mean.T) + log_variance.exp().mean(0).diag()
    prior.nuisance_factor.copy_(_NUISANCE * gaussian_factor(spread))
    return prior
