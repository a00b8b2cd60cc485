"""The training loop: resuming, checkpoints that do not fit, learning rates, what is trained."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from lowkey_core.errors import CheckpointError
from lowkey_core.work.cache import Cache
from lowkey_core.work.learning import (
    CacheKeep,
    FileKeep,
    Keep,
    Part,
    Schedule,
    cosine,
    learn,
    warmed_cosine,
)
from lowkey_core.work.records import seal

STEPS = 7


class StopHereError(Exception):
    """Stands for a kill at this moment."""


class Small(nn.Module):
    """Has running means, and a weight in channels_last."""

    def __init__(self, outputs: int = 2) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, outputs, 2), nn.BatchNorm2d(outputs)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=Generator().manual_seed(1))
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x))
        return out


def trained(keep: Keep, stop_after: int | None = None, **more: Any) -> dict[str, Tensor]:
    """The weights in the end, and the sum of the weights after each step."""
    network, total = Small(), nn.Linear(1, 1)
    total.weight.data.zero_()

    def loss(step: int) -> Tensor:
        x = torch.randn(4, 3, 5, 5, generator=Generator().manual_seed(step))
        return (network(x) - 1).abs().mean()

    def after(step: int) -> None:
        total.weight.data += network.conv.weight.detach().sum()

    def progress(done: int) -> None:
        if done == stop_after:
            raise StopHereError

    learn(
        {"network": Part(network, decay=0.1), "total": Part(total, trained=False)},
        loss,
        Schedule(STEPS, cosine(0.1, STEPS), save_every=2, clip=1.0, **more),
        keep,
        after=after,
        progress=progress,
    )
    return {**network.state_dict(), "total": total.weight.data}


def in_cache(folder: Path) -> Keep:
    return CacheKeep(Cache(folder), "ab" * 16)


def in_file(folder: Path) -> Keep:
    return FileKeep(folder / "new" / "x.ckpt", "config")


@pytest.mark.parametrize("kept", [in_cache, in_file])
@pytest.mark.parametrize("stop_after", [1, 2, 3, 5, 7])
def test_an_interrupted_training_ends_with_the_same_weights(
    stop_after: int, kept: Callable[[Path], Keep], tmp_path: Path
) -> None:
    whole = trained(FileKeep(None))
    with pytest.raises(StopHereError):
        trained(kept(tmp_path), stop_after)
    resumed = trained(kept(tmp_path))
    assert all(torch.equal(resumed[name], tensor) for name, tensor in whole.items())
    assert int(whole["norm.num_batches_tracked"]) == STEPS


@pytest.mark.parametrize("kept", [in_cache, in_file])
def test_a_finished_training_is_not_repeated(kept: Callable[[Path], Keep], tmp_path: Path) -> None:
    first = trained(kept(tmp_path))
    again = trained(kept(tmp_path), stop_after=1)
    assert all(torch.equal(again[name], tensor) for name, tensor in first.items())


def test_returns_the_step_at_which_it_resumed(tmp_path: Path) -> None:
    layer, keep = nn.Linear(2, 1), in_cache(tmp_path)

    def run(steps: int) -> tuple[int, list[int]]:
        done: list[int] = []
        schedule = Schedule(steps, lambda step: 0.1, save_every=3)
        start = learn(
            {"layer": Part(layer)},
            lambda step: layer(torch.ones(1, 2)).sum(),
            schedule,
            keep,
            progress=done.append,
        )
        return start, done

    assert run(4) == (0, [0, 1, 2, 3, 4])
    assert run(6) == (4, [4, 5, 6])


def test_the_loop_is_adamw_with_clipping() -> None:
    """Against the same steps written out."""
    ours, theirs = nn.Linear(3, 2), nn.Linear(3, 2)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(5, 3, generator=Generator().manual_seed(0))
    schedule = Schedule(4, lambda step: 0.1 / (step + 1), 9, clip=0.5, betas=(0.8, 0.9))
    learn(
        {"layer": Part(ours, decay=0.3)},
        lambda step: 9 * ours(x).square().mean(),
        schedule,
        FileKeep(None),
    )
    optimiser = torch.optim.AdamW(
        theirs.parameters(), 1.0, (0.8, 0.9), weight_decay=0.3, fused=True
    )
    for step in range(4):
        optimiser.param_groups[0]["lr"] = 0.1 / (step + 1)
        optimiser.zero_grad()
        (9 * theirs(x).square().mean()).backward()
        nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        optimiser.step()
    assert all(map(torch.equal, ours.parameters(), theirs.parameters()))


def test_only_trained_parts_and_parameters_with_gradients_change() -> None:
    free, frozen, aside = nn.Linear(1, 1), nn.Linear(1, 1).requires_grad_(False), nn.Linear(1, 1)
    parts = {"all": Part(nn.ModuleList([free, frozen]), decay=0.5), "x": Part(aside, trained=False)}
    before = [m.weight.detach().clone() for m in (free, frozen, aside)]

    def loss(step: int) -> Tensor:
        out: Tensor = aside(frozen(free(torch.ones(1, 1)))).sum()
        return out

    learn(parts, loss, Schedule(3, lambda step: 0.1, 1), FileKeep(None))
    after = [m.weight for m in (free, frozen, aside)]
    assert [torch.equal(a, b) for a, b in zip(after, before, strict=True)] == [False, True, True]


def test_a_part_that_is_not_clipped_does_not_count() -> None:
    near, far = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    parts = {"near": Part(nn.ParameterList([near])), "far": Part(nn.ParameterList([far]), True, 0)}
    parts["far"] = Part(parts["far"].module, clipped=False)
    learn(
        parts,
        lambda step: (3 * near + 100 * far).sum(),
        Schedule(1, lambda step: 0.1, 1, clip=1.0),
        FileKeep(None),
    )
    assert near.grad is not None
    assert far.grad is not None
    assert near.grad.item() == pytest.approx(1)
    assert far.grad.item() == 100


def resumed(path: Path, run: str, outputs: int = 2) -> int:
    network = Small(outputs)
    loss = lambda step: network(torch.ones(2, 3, 4, 4)).sum()  # noqa: E731
    return learn({"x": Part(network)}, loss, Schedule(2, lambda step: 0.1, 1), FileKeep(path, run))


@pytest.mark.parametrize(
    ("how", "run", "outputs"),
    [
        ("empty", "config", 2),
        ("cut", "config", 2),
        ("text", "config", 2),
        ("whole", "another config", 2),
        ("whole", "config", 5),
        ("another record", "config", 2),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(
    how: str, run: str, outputs: int, tmp_path: Path
) -> None:
    path = tmp_path / "x.ckpt"
    assert resumed(path, "config") == 0
    content = path.read_bytes()
    contents = {
        "whole": content,
        "empty": b"",
        "cut": content[: len(content) // 2],
        "text": b"no checkpoint",
        "another record": seal("checkpoint 1", {"x": torch.ones(1)}),
    }
    path.write_bytes(contents[how])
    with pytest.raises(CheckpointError, match=r"x\.ckpt .*remove it to start again"):
        resumed(path, run, outputs)


def test_nothing_is_kept_without_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trained(FileKeep(None))
    assert not [*tmp_path.iterdir()]


def test_learning_rates() -> None:
    falling = [cosine(2.0, 10)(step) for step in range(10)]
    assert falling[0] == 2
    assert falling[5] == pytest.approx(1)
    assert falling == sorted(falling, reverse=True)
    warm = [cosine(2.0, 10, warm_up=0.4)(step) for step in range(10)]
    assert warm[:5] == pytest.approx([f * s / 4 for s, f in enumerate(falling[:5])])
    assert warm[5:] == falling[5:]
    long = [warmed_cosine(2.0, 1000)(step) for step in range(1000)]
    assert long[0] == pytest.approx(0.02)
    assert long[49] == pytest.approx(1, rel=0.01)
    assert long[500] == pytest.approx(2 * 0.51)
    assert long[999] == pytest.approx(0.04, rel=0.01)
    assert math.isclose(max(long), 2, rel_tol=0.05)
