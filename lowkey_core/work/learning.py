"""The training loop: AdamW, a learning rate per step, gradient clipping, checkpoints.

An interrupted training resumes at its last checkpoint and ends with the same weights as an
uninterrupted one, if the loss of a step depends on the step and the weights only.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from lowkey_core.errors import CheckpointError
from lowkey_core.work.cache import Cache
from lowkey_core.work.files import explained, write_atomically
from lowkey_core.work.records import Record, seal, unseal


@dataclass(frozen=True)
class Part:
    """A module that is saved in checkpoints, and trained unless it says otherwise."""

    module: nn.Module
    trained: bool = True
    """Whether its parameters that require gradients are given to the optimiser."""
    decay: float = 0.0
    """AdamW's weight decay."""
    clipped: bool = True
    """Whether its gradients count towards `Schedule.clip`, and are scaled by it."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn."""

    steps: int
    rate: Callable[[int], float]
    """Learning rate of step 0, 1, ..., steps - 1; see `cosine` and `warmed_cosine`."""
    save_every: int
    """Steps between two checkpoints; there is one more after the last step."""
    clip: float | None = None
    """Largest norm of all clipped gradients together; None: no limit."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Of AdamW's moving averages."""


class Keep(Protocol):
    """Where the last checkpoint of one training is kept."""

    def resume(self, restore: Callable[[Record], int]) -> int:
        """Give the last checkpoint to `restore`; return its step, or 0 without a checkpoint."""

    def save(self, record: Record) -> None:
        """Replace the last checkpoint. Raises: StorageError."""


def _ignore(number: int) -> None:
    """A hook that does nothing."""


def learn(
    parts: Mapping[str, Part],
    loss: Callable[[int], Tensor],
    schedule: Schedule,
    keep: Keep,
    *,
    after: Callable[[int], object] = _ignore,
    progress: Callable[[int], object] = _ignore,
    steps: Callable[[int, int], Iterable[int]] = range,
) -> int:
    """Train the modules of `parts` in place. Returns the step at which it resumed, 0 for a new one.

    loss: scalar of step 0, 1, ...; the step decides about batches and random numbers.
    after: called after each step's update, before a checkpoint is saved.
    progress: called with the number of finished steps, before the first step and after each.
    steps: from the first step to the one behind the last, those that are taken.
    Raises: StorageError, CheckpointError.
    """
    trained = [part for part in parts.values() if part.trained]

    @functools.cache  # a finished training needs none, and building the first takes a second
    def built() -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            [{"params": _trainable(part), "weight_decay": part.decay} for part in trained],
            betas=schedule.betas,
            fused=True,
        )

    def restore(record: Record) -> int:
        if (step := fill(record, parts)) < schedule.steps:
            proceed(record, built())
        return step

    start = keep.resume(restore)
    progress(start)
    if start == schedule.steps:
        return start
    optimiser = built()
    clipped = [p for part in trained if part.clipped for p in _trainable(part)]
    for step in steps(start, schedule.steps):
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate(step)
        optimiser.zero_grad()
        torch.autograd.backward(loss(step))
        if schedule.clip is not None:
            nn.utils.clip_grad_norm_(clipped, schedule.clip)
        optimiser.step()
        after(step)
        done = step + 1
        if done % schedule.save_every == 0 or done == schedule.steps:
            keep.save(snapshot(done, parts, optimiser if done < schedule.steps else None))
        progress(done)
    return start


def cosine(highest: float, steps: int, warm_up: float = 0.0) -> Callable[[int], float]:
    """Half a cosine from `highest` to 0, times a linear rise over the share `warm_up` of steps."""

    def rate(step: int) -> float:
        done = step / steps
        risen = min(1.0, done / warm_up) if warm_up else 1.0
        return risen * highest * (1 + math.cos(math.pi * done)) / 2

    return rate


def warmed_cosine(highest: float, steps: int) -> Callable[[int], float]:
    """Half a cosine from `highest` to 2% of it, times a linear rise over the first 100 steps."""

    def rate(step: int) -> float:
        falling = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step / steps)))
        return highest * min(1, (step + 1) / 100) * falling

    return rate


@dataclass(frozen=True)
class CacheKeep:
    """A record of the cache. key: names everything that the weights depend on. frozen: nothing is
    saved."""

    cache: Cache
    key: str
    frozen: bool = False

    def resume(self, restore: Callable[[Record], int]) -> int:
        """Raises: StorageError."""
        record = self.cache.get(self.key)
        return 0 if record is None else restore(record)

    def save(self, record: Record) -> None:
        """Raises: StorageError."""
        if not self.frozen:
            self.cache.put(self.key, record)


@dataclass(frozen=True)
class FileKeep:
    """One file. path: None keeps nothing. run: names the training; another's file is refused."""

    path: Path | None
    run: str = ""

    def resume(self, restore: Callable[[Record], int]) -> int:
        """Raises: CheckpointError (a damaged file, or that of another training), StorageError."""
        if self.path is None or not self.path.is_file():
            return 0
        with explained(self.path):
            content = self.path.read_bytes()
        found = "damaged"
        try:
            if (record := unseal(_FORMAT, content)) is not None:
                found = bytes(record.pop(_RUN).tolist()).decode()
                if found == self.run:
                    return restore(record)
        except Exception as error:  # whatever a hostile file provokes: it holds tensors only
            found = f"damaged ({type(error).__name__})"
        raise CheckpointError(
            f"{self.path} is {found or 'of a training without a name'}",
            expected=f"the checkpoint of {self.run or 'this training run'}",
            remedy="remove it to start again, or train in another folder",
        )

    def save(self, record: Record) -> None:
        """Raises: StorageError."""
        if self.path is not None:
            named = {**record, _RUN: torch.tensor([*self.run.encode()], dtype=torch.uint8)}
            write_atomically(self.path, seal(_FORMAT, named))


_FORMAT, _RUN, _STEP, _OPTIMISER = "checkpoint 1", "run", "step", "optimiser"


def _trainable(part: Part) -> list[nn.Parameter]:
    return [p for p in part.module.parameters() if p.requires_grad]


def snapshot(
    done: int, parts: Mapping[str, Part], optimiser: torch.optim.Optimizer | None
) -> Record:
    """The checkpoint format: `step`, `part/NAME/...` as in state dicts, `optimiser/INDEX/...`;
    without these once there is nothing left to learn."""
    record = {_STEP: torch.tensor(done)}
    for name, part in parts.items():
        state = part.module.state_dict()
        record.update({f"part/{name}/{key}": tensor for key, tensor in state.items()})
    for index, moments in optimiser.state_dict()["state"].items() if optimiser else ():
        record.update({f"{_OPTIMISER}/{index}/{key}": value for key, value in moments.items()})
    return record


def fill(record: Record, parts: Mapping[str, Part]) -> int:
    """Fill parts from a checkpoint. Returns its step. Raises on any misfit."""
    for name, part in parts.items():
        prefix = f"part/{name}/"
        state = {k.removeprefix(prefix): v for k, v in record.items() if k.startswith(prefix)}
        part.module.load_state_dict(state, strict=True)
    return int(record[_STEP])


def proceed(record: Record, optimiser: torch.optim.Optimizer) -> None:
    """Fill the optimiser from a checkpoint. Raises on any misfit."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in record.items():
        if name.startswith(f"{_OPTIMISER}/"):
            _, index, key = name.split("/")
            like = parameters[int(index)]
            # In the parameter's memory format, which an optimiser does not restore by itself.
            laid_out = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
            moments.setdefault(int(index), {})[key] = laid_out
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": moments, "param_groups": groups})
