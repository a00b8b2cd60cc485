"""Parts of a gallery that are compared at once."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor


def blocks(identities: Tensor, columns: int) -> Iterator[tuple[int, int]]:
    """Slices of a gallery that end where an identity does, each of at least `columns` pictures, but
    the last. identities: (g,) int64, those of one person side by side."""
    start, count = 0, len(identities)
    if not count:
        yield 0, 0
    ends = identities.diff().nonzero().flatten().add(1)
    while start < count:
        behind = int(torch.searchsorted(ends, start + columns))
        end = int(ends[behind]) if behind < len(ends) else count
        yield start, end
        start = end
