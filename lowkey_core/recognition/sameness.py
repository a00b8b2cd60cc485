"""Whether two networks are one, told by what they make of the same faces.

Cards tell it by names, files and training runs. A network that was saved again, renamed, or whose
embeddings were rotated has another file; angles between its embeddings are the same.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.types import Network, Pictures
from lowkey_core.work.work import Work

TOLERANCE = 0.03
"""Ours: the difference up to which two networks are one. Of the nine recognisers at hand, on a
dozen SynthFaces, the nearest two differ by 0.066; one differs from itself by 0.004 at most with
weights rounded to bfloat16, by 0.025 with faces shifted by a pixel, and by 0.031 with weights
rounded to 255 steps a layer."""


def cosines(network: Network, faces: Pictures, work: Work) -> Tensor:
    """(n, n) float32: of every pair of embeddings, less the mean of all n.

    Each face is cut at the network's own template. Embeddings of any size can be compared by it,
    and rotating their space or permuting it changes nothing. The mean is taken away as some
    networks, dlib's for one, give all faces much the same direction. Kept in `work`: each network
    sees the faces once.
    """
    vectors = work.per_item(
        f"telling {network.card.name} from others",
        FlipAveraged(network),
        faces.digests,
        lambda rows: faces.faces(network.template, rows),
    )
    centred = F.normalize(vectors - vectors.mean(0))
    return centred @ centred.T


def difference(one: Tensor, other: Tensor) -> float:
    """Root mean square over pairs of different faces. one, other: (n, n), as of `cosines`."""
    above, right = torch.triu_indices(len(one), len(one), offset=1).unbind()
    return float((one - other)[above, right].pow(2).mean().sqrt())


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two networks are one. one, other: as of `difference`."""
    return difference(one, other) <= TOLERANCE
