"""What `Work.per_item` keeps of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lowkey_core.work.records import Record, shaped

FITS = shaped(rows=(None, None, None))
"""A record of a batch."""


@dataclass(frozen=True)
class Rows:
    """Makes that record."""

    function: Callable[[Tensor], Tensor]
    """(b, ...) to (b, d), on any device."""

    def __call__(self, loaded: Tensor, /) -> list[Record]:
        """One record: `rows`, (b, d), evaluated without gradients."""
        with torch.no_grad():
            return [{"rows": self.function(loaded).cpu()}]
