"""Where a training run has got to, kept so that the same command goes on from there."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lowkey_core.errors import CheckpointError
from lowkey_core.work.files import explained, write_atomically


class Checkpoints:
    """One file, replaced whole at every save."""

    def __init__(self, path: Path | None, what: str = "") -> None:
        """path: the file; None keeps nothing. what: names the config; another's is not resumed."""
        self.path, self.what = path, what

    def save(self, step: int, parts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """parts: what has a `state_dict`. Raises: StorageError."""
        if self.path is None:
            return
        content = io.BytesIO()
        state = {name: part.state_dict() for name, part in parts.items()}
        kept = {name: tensor.detach() for name, tensor in tensors.items()}
        torch.save({"what": self.what, "step": step, "parts": state, "tensors": kept}, content)
        write_atomically(self.path, content.getvalue())

    def resume(self, parts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> int:
        """Fills parts and tensors from the file; returns the step to go on with, 0 without one.

        Raises: CheckpointError where the file is of another config, or damaged; StorageError.
        """
        if self.path is None or not self.path.is_file():
            return 0
        with explained(self.path):
            content = self.path.read_bytes()
        try:
            kept = torch.load(io.BytesIO(content), weights_only=True)
            what = str(kept["what"])
            if what == self.what:
                for name, part in parts.items():
                    part.load_state_dict(kept["parts"][name])
                for name, tensor in tensors.items():
                    tensor.data.copy_(kept["tensors"][name])
                return int(kept["step"])
        except Exception as error:  # whatever damaged bytes provoke: nothing of them was run
            what = f"damaged ({type(error).__name__})"
        raise CheckpointError(
            f"{self.path} is {what or 'nameless'}",
            expected=f"the checkpoint of {self.what or 'this training run'}",
            remedy="remove it to start again, or train in another folder",
        )


def falling(share: float) -> float:
    """Of the highest learning rate, what is left when `share` of the steps is done: half a cosine
    from 1 to 0.02."""
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share))
