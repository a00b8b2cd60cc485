"""Loading verified weight files into networks, without random weights and without unpickling."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from safetensors.torch import load as parse_tensors
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from lowkey_core import weights
from lowkey_core.errors import TamperedWeightsError


def state_of(card: weights.Card, entry: str | None = None) -> dict[str, Tensor]:
    """The state dict in the card's file, a PyTorch checkpoint or `.safetensors`; floats as float32.

    entry: key of the state dict in the checkpoint; None: the checkpoint is the state dict.
    Raises: MissingWeightsError, TamperedWeightsError (also for a pickle that holds anything but
    tensors; nothing of it is executed).
    """
    content = weights.read(card)
    try:
        loaded = (
            parse_tensors(content)
            if card.file.endswith(".safetensors")
            else torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        )
        state = loaded[entry] if entry and isinstance(loaded, Mapping) else loaded
    except Exception as error:  # hostile files raise anything; nothing of them is executed
        raise unfit(card, f"is not a plain checkpoint ({type(error).__name__})") from None
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in state.items()
    ):
        raise unfit(card, "holds something other than named tensors")
    return {k: v.float() if v.is_floating_point() else v for k, v in state.items()}


Network = TypeVar("Network", bound=nn.Module)


def fill(make: Callable[[], Network], state: Mapping[str, Tensor], card: weights.Card) -> Network:
    """The network that `make` builds, with all parameters and buffers from `state`.

    It is built on the meta device, so no weight can be left at a random value.
    Raises: TamperedWeightsError unless names and shapes are exactly the network's.
    """
    with torch.device("meta"), _NotInitialised():
        network = make()
    return fit(network, state, card)


class _NotInitialised(TorchFunctionMode):
    """Skips `torch.nn.init`: on the meta device its functions do nothing but import a compiler."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return kwargs.get("tensor", args[0] if args else None)
        return func(*args, **kwargs)


def fit(network: Network, state: Mapping[str, Tensor], card: weights.Card) -> Network:
    """`network` with all parameters and persistent buffers from `state`.

    Raises: TamperedWeightsError unless names and shapes are exactly the network's.
    """
    try:
        network.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as error:
        wrong = " ".join(str(error).split())[:200]
        raise unfit(card, f"does not fit its network ({wrong})") from None
    return network


def unfit(card: weights.Card, what: str) -> TamperedWeightsError:
    """The error for a verified file that is not what its card says; `what`: follows its path."""
    return TamperedWeightsError(
        f"{weights.locate(card)} {what}",
        expected=f"the weights of {card.name}, and nothing else",
        remedy=f"delete it and its digest, and get it again from {card.origin or card.source}",
    )
