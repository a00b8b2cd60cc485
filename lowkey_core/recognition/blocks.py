"""Parts of a gallery that are compared at once."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor


def blocks(identities: Tensor, columns: int) -> Iterator[tuple[int, int]]:
    """Slices of a gallery that end where an identity does, each of at least `columns` pictures, but
    the last. identities: (g,) int64, those of one person side by side."""
    start = 0
    for end in [*identities.diff().nonzero().flatten().add(1).tolist(), len(identities)]:
        if end - start >= columns or end == len(identities):
            yield start, end
            start = end
