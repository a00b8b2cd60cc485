"""Who SynthFaces may show: Gaussians fitted to the faces that the painter learned from."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lowkey_core.networks.face_generator import IDENTITY, IdentityPrior
from lowkey_core.types import Embeddings

_BETWEEN, _WITHIN, _SEEN = 1.5, 0.75, 0.65
"""Factors on how much people differ, pictures of one person, and how they are seen. The painter
does not follow its code to the letter: with these, recognisers that had no part find pictures of
one person about as alike as real ones (`python -m benchmarks.synthfaces`)."""


def codes(embeddings: Embeddings) -> Tensor:
    """(n, 128) unit vectors to what the painter takes: centred, of about unit variance."""
    return (embeddings - embeddings.mean(0)).mul(math.sqrt(IDENTITY))


def gaussian_factor(covariance: Tensor) -> Tensor:
    """(d, d) L with L L' = covariance, negative eigenvalues taken as 0."""
    values, vectors = torch.linalg.eigh(covariance.double())
    factor: Tensor = vectors * values.clamp(min=0).sqrt()
    return factor.float()


def fit_prior(codes: Tensor, people: Tensor, seen: tuple[Tensor, Tensor]) -> IdentityPrior:
    """The Gaussians of the training faces: between people, within one, and of how they are seen.

    codes: (n, 128). people: (n,) int64. seen: the encoder's means and log-variances, (n, 64) each.
    """
    count = torch.bincount(people)
    means = torch.zeros(len(count), IDENTITY).index_add(0, people, codes) / count[:, None]
    several = count[people] > 1
    off = (codes - means[people])[several]
    # Deviations from a mean of n pictures are too small by n / (n - 1).
    freedom = len(off) - int((count > 1).sum())
    within = off.T @ off / freedom
    between = torch.cov(codes.T) - within
    mean, log_variance = seen
    made = IdentityPrior()
    made.people_mean.copy_(codes.mean(0))
    made.people_factor.copy_(_BETWEEN * gaussian_factor(between))
    made.pictures_factor.copy_(_WITHIN * gaussian_factor(within))
    made.nuisance_mean.copy_(mean.mean(0))
    spread = torch.cov(mean.T) + log_variance.exp().mean(0).diag()
    made.nuisance_factor.copy_(_SEEN * gaussian_factor(spread))
    return made
