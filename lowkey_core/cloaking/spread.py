"""How far the pictures of one person point apart."""

from __future__ import annotations

import torch
from torch import Tensor


def spread(embedded: Tensor, ridge: float) -> Tensor:
    """log det of the Gram matrix plus `ridge` on its diagonal: near 0 where the embeddings, (n, d)
    of unit length, are at right angles to each other, and less where they are not; 0 for one alone.

    Protego's term (CVPR 2026).
    """
    if len(embedded) == 1:
        return embedded.new_zeros(())
    gram = embedded @ embedded.T + ridge * torch.eye(len(embedded), device=embedded.device)
    volume: Tensor = torch.linalg.slogdet(gram).logabsdet
    return volume
