"""The recognisers that a cloak is optimised against."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lowkey_core.errors import OptionError, setting
from lowkey_core.networks.flip import AtArcFace
from lowkey_core.types import FACE_SIZE, Network
from lowkey_core.work.runtime import device_of


def checked(surrogates: Sequence[Network], who: str) -> tuple[Network, ...]:
    """The surrogates. who: the cloak, for messages.

    Raises: OptionError if there is none, or for one without gradients.
    """
    if not surrogates:
        raise OptionError(
            f"{who} has no surrogates",
            expected="at least one recogniser to move away from",
            remedy=f"name one with {setting('surrogate')}",
        )
    for surrogate in surrogates:
        if not _has_gradients(surrogate):
            raise OptionError(
                f"surrogate {surrogate.card.name} is a black box",
                expected="surrogates that give gradients",
                remedy=f"name another with {setting('surrogate')}",
            )
    return tuple(surrogates)


def _has_gradients(surrogate: Network) -> bool:
    """Tried rather than believed: without gradients the cloak would silently do nothing."""
    size, device = (1, 3, FACE_SIZE, FACE_SIZE), device_of(surrogate)
    face = torch.full(size, 0.5, device=device, requires_grad=True)
    return not surrogate.card.black_box and AtArcFace(surrogate)(face).requires_grad
