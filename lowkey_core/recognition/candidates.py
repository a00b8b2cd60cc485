"""The best of many scores."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from lowkey_core.types import Candidates


def best(scores: Tensor, known: Tensor, k: int) -> Candidates:
    """The k best of each row; equal scores in the order of `known`.

    scores: (p, c). known: (c,) int64, the identity of each column.
    """
    order = scores.argsort(dim=1, descending=True, stable=True)[:, :k]
    return Candidates(scores.gather(1, order), known[order])


def merged(parts: Iterable[Candidates], k: int) -> Candidates:
    """The k best of several searches of the same probes in disjoint parts of a gallery."""
    parts = list(parts)
    scores = torch.cat([part.scores for part in parts], 1)
    identities = torch.cat([part.identities for part in parts], 1)
    order = scores.argsort(dim=1, descending=True, stable=True)[:, :k]
    return Candidates(scores.gather(1, order), identities.gather(1, order))


def stacked(parts: Iterable[Candidates], k: int) -> Candidates:
    """Searches of different probes, one after the other, made k wide."""
    parts = [widened(part, k) for part in parts]
    if not parts:
        return nothing(0, k)
    return Candidates(
        torch.cat([part.scores for part in parts]), torch.cat([part.identities for part in parts])
    )


def nothing(probes: int, k: int) -> Candidates:
    """What a search finds where nobody is enrolled, or no face is in the probe."""
    return Candidates(torch.full((probes, k), -torch.inf), torch.full((probes, k), -1))


def widened(candidates: Candidates, k: int) -> Candidates:
    """The same, k wide."""
    lacking = k - candidates.scores.shape[1]
    if lacking <= 0:
        return candidates
    empty = nothing(len(candidates.scores), lacking)
    return Candidates(
        torch.cat([candidates.scores, empty.scores], 1),
        torch.cat([candidates.identities, empty.identities], 1),
    )
