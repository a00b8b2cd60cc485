"""Networks of whose training a trial takes a few steps at most.

Two such trainings may leave two networks with the same weights, and what is made with one would
pass for made with the other. So each gets a mark, which is part of its fingerprint.
"""

from __future__ import annotations

from torch import nn

_MARK = "unfinished_training"


def mark(network: nn.Module, training: str) -> None:
    """Marks whatever of a network learns. training: names the training."""
    for module in network.modules():
        if any(weight.requires_grad for weight in module.parameters()):
            setattr(module, _MARK, training)


def marked(function: object) -> bool:
    """Whether it is a marked network, a method of one, or an object with one as an attribute."""
    owner = getattr(function, "__self__", function)
    held = [owner, *vars(owner).values()] if hasattr(owner, "__dict__") else [owner]
    return any(isinstance(each, nn.Module) and hasattr(each, _MARK) for each in held)
