"""Training of students: resuming, agreement with the teacher, margin losses."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.special import log_softmax
from torch import Tensor

from lowkey_core.training import zoo as students
from lowkey_core.training.distillation import MIXTURE
from lowkey_core.work.learning import FileKeep
from tests.lowkey_core.training.examples import Student, distillation_set, seeded


class StopHereError(Exception):
    """Stands for a kill at this moment."""


CONFIG = students.TrainConfig(steps=102, batch=4, margin="arcface")
"""Checkpoints are saved every 100 steps."""


def trained(path: Path | None, stop_after: int | None = None) -> dict[str, Tensor]:
    """The student's weights in the end."""

    def show(label: str, done: int, total: int) -> None:
        if done == stop_after:
            raise StopHereError

    torch.manual_seed(5)
    student, keep = Student(), FileKeep(path, str(CONFIG))
    return students.train(student, distillation_set(), CONFIG, keep, show).state_dict()


@pytest.mark.parametrize("stop_after", [3, 101])
def test_an_interrupted_training_ends_with_the_same_weights(
    stop_after: int, tmp_path: Path
) -> None:
    whole, path = trained(None), tmp_path / "x.ckpt"
    with pytest.raises(StopHereError):
        trained(path, stop_after)
    assert path.is_file() == (stop_after > 100)
    resumed = trained(path)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert int(whole["norm.num_batches_tracked"]) == CONFIG.steps


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    done = trained(tmp_path / "x.ckpt")
    again = trained(tmp_path / "x.ckpt", stop_after=1)
    assert all(torch.equal(done[name], again[name]) for name in done)


def test_training_raises_the_cosine_to_the_teacher() -> None:
    student, sample = Student(), distillation_set()
    images = sample.images.float() / 127.5 - 1

    def agreement() -> float:
        with torch.no_grad():
            return (F.normalize(student.eval()(images)) * sample.targets).sum(1).mean().item()

    before = agreement()
    students.train(student, sample, replace(CONFIG, margin="", rate=2e-2), FileKeep(None))
    assert agreement() > before + 0.1
    assert not student.training


def by_hand(embeddings: Tensor, prototypes: Tensor, people: Tensor, margin: str) -> float:
    """ArcFace's equation 3 and CosFace's equation 4, row by row."""
    unit = prototypes.double().numpy()
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    losses = []
    for row, who in zip(embeddings.double().numpy(), people.tolist(), strict=True):
        if who == MIXTURE:
            continue
        cosines = unit @ row
        right = cosines[who]
        cosines[who] = math.cos(math.acos(right) + 0.3) if margin == "arcface" else right - 0.25
        losses.append(-log_softmax(32 * cosines)[who])
    return float(np.mean(losses))


@pytest.mark.parametrize("margin", ["arcface", "cosface"])
def test_a_margin_loss_is_that_of_its_paper(margin: str) -> None:
    embeddings = F.normalize(torch.randn(6, 8, generator=seeded(1)))
    prototypes = 3 * torch.randn(5, 8, generator=seeded(2))
    people = torch.tensor([0, 4, MIXTURE, 2, 2, MIXTURE])
    loss = students.margin_loss(embeddings, prototypes, people, margin)
    assert loss.item() == pytest.approx(by_hand(embeddings, prototypes, people, margin), rel=1e-4)
    rows = people >= 0
    without = students.margin_loss(embeddings[rows], prototypes, people[rows], margin)
    assert loss.item() == pytest.approx(without.item())


@pytest.mark.parametrize("margin", ["arcface", "cosface"])
def test_a_margin_loss_has_finite_gradients_at_cosine_one(margin: str) -> None:
    prototypes = torch.eye(3).requires_grad_()
    loss = students.margin_loss(torch.eye(3), prototypes, torch.arange(3), margin)
    loss.backward()
    assert prototypes.grad is not None
    assert prototypes.grad.isfinite().all()


def test_without_identities_or_margin_the_margin_loss_is_zero() -> None:
    embeddings, prototypes = torch.eye(3), torch.eye(3)
    assert students.margin_loss(embeddings, prototypes, torch.arange(3), "").item() == 0
    mixtures = torch.full((3,), MIXTURE)
    assert students.margin_loss(embeddings, prototypes, mixtures, "arcface").item() == 0
