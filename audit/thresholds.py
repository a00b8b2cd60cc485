"""The score from which on a system claims a match, set on people whom it does not know."""

from __future__ import annotations

from math import ceil, floor

import torch
from torch import Tensor

from lowkey_core.errors import NotPossibleError, setting

_EXACT = 1e-9
"""So that 0.001 of 1000 is 1, whatever binary fractions say."""


def needed(share: float) -> int:
    """Impostors that a threshold for this share needs: one of them may pass. Ours; fewer say
    nothing about the share, and the rule of 30 (ISO/IEC 19795-1) would ask for 30 times as many."""
    return ceil(1 / share - _EXACT)


def at_share(impostors: Tensor, share: float, called: str) -> Tensor:
    """The lowest score that at most `share` of the impostors reach, as a scalar: a score at least
    as high is a match.

    impostors: (n,) floats, -inf where nothing was found. share: of them, in (0, 1). called: what
    each of them is, for messages: "searches". Equal scores pass or fail together.
    Raises: NotPossibleError if n is below `needed(share)`.
    """
    if len(impostors) < needed(share):
        raise NotPossibleError(
            f"a threshold at {percent(share)} is not possible with {len(impostors)} {called} of "
            "people who are not enrolled",
            expected=f"at least {needed(share)}",
            remedy=f"raise {setting('calibration')}: identities, each with as many pictures as "
            f"{setting('gallery')} says, at most",
        )
    allowed = floor(share * len(impostors) + _EXACT)
    first_refused = impostors.sort(descending=True).values[allowed]
    return torch.nextafter(first_refused, first_refused.new_tensor(torch.inf))


def percent(share: float) -> str:
    """`1%`, `0.1%`."""
    return f"{100 * share:g}%"
