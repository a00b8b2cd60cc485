"""A training run that was stopped goes on where it was, and never from another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lowkey_core.errors import CheckpointError
from lowkey_core.training.checkpoints import Checkpoints, falling
from tests.lowkey_core.training.examples import seeded


def learner(seed: int) -> tuple[nn.Linear, torch.optim.Optimizer, Tensor]:
    """One that has made a step."""
    layer = nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(layer.parameters())
    loss: Tensor = layer(torch.rand(4, 3, generator=seeded(seed))).square().sum()
    loss.backward()
    optimiser.step()
    return layer, optimiser, torch.full((2,), float(seed))


def test_a_checkpoint_gives_back_what_was_saved(tmp_path: Path) -> None:
    layer, optimiser, names = learner(1)
    kept = Checkpoints(tmp_path / "new" / "x.ckpt", "config")
    kept.save(7, {"layer": layer, "optimiser": optimiser}, {"names": names})
    other, its, theirs = learner(2)
    assert kept.resume({"layer": other, "optimiser": its}, {"names": theirs}) == 7
    assert all(map(torch.equal, layer.parameters(), other.parameters()))
    assert torch.equal(theirs, names)
    moments, again = (o.state_dict()["state"][0]["exp_avg"] for o in (optimiser, its))
    assert torch.equal(moments, again)


def test_without_a_checkpoint_it_starts_at_the_beginning(tmp_path: Path) -> None:
    layer, _, names = learner(1)
    before = layer.weight.clone()
    for path in (None, tmp_path / "nothing.ckpt"):
        assert Checkpoints(path).resume({"layer": layer}, {"names": names}) == 0
    Checkpoints(None).save(3, {"layer": layer}, {"names": names})
    assert torch.equal(layer.weight, before)
    assert not [*tmp_path.iterdir()]


def damaged(content: bytes, how: str) -> bytes:
    match how:
        case "empty":
            return b""
        case "cut":
            return content[: len(content) // 2]
        case "text":
            return b"no checkpoint"
        case _:
            return content


@pytest.mark.parametrize(
    ("how", "what", "outputs"),
    [
        ("empty", "config", 2),
        ("cut", "config", 2),
        ("text", "config", 2),
        ("whole", "another config", 2),
        ("whole", "config", 5),
    ],
    ids=["empty", "cut", "text", "another config", "another network"],
)
def test_a_checkpoint_that_does_not_fit_is_refused(
    how: str, what: str, outputs: int, tmp_path: Path
) -> None:
    path = tmp_path / "x.ckpt"
    Checkpoints(path, "config").save(1, {"layer": nn.Linear(3, 2)}, {})
    path.write_bytes(damaged(path.read_bytes(), how))
    with pytest.raises(CheckpointError, match=r"x\.ckpt .*remove it to start again"):
        Checkpoints(path, what).resume({"layer": nn.Linear(3, outputs)}, {})


def test_a_checkpoint_is_data_and_no_program(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return open, (str(tmp_path / "ran"), "w")

    torch.save({"what": "", "step": 1, "parts": {}, "tensors": {}, "x": Bomb()}, tmp_path / "x")
    with pytest.raises(CheckpointError):
        Checkpoints(tmp_path / "x").resume({}, {})
    assert not (tmp_path / "ran").exists()


def test_the_rate_falls_along_half_a_cosine() -> None:
    shares = [falling(i / 10) for i in range(11)]
    assert shares[0] == pytest.approx(1)
    assert shares[5] == pytest.approx(0.51)
    assert shares[-1] == pytest.approx(0.02)
    assert shares == sorted(shares, reverse=True)
