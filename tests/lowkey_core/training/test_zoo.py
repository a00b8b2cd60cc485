"""How the members of the zoo learn: to agree with a teacher, and to tell people apart."""

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
from lowkey_core.training.checkpoints import Checkpoints
from lowkey_core.training.distillation import NOBODY
from tests.lowkey_core.training.examples import Student, known, seeded


class StopHereError(Exception):
    """Stands for a kill at this moment."""


COURSE = students.TrainConfig(steps=102, batch=4, margin="arcface")
"""As checkpoints are written every 100 steps."""


def taught(path: Path | None, stop_after: int | None = None) -> dict[str, Tensor]:
    """What the student knows at the end of the config."""

    def show(label: str, done: int, total: int) -> None:
        if done == stop_after:
            raise StopHereError

    torch.manual_seed(5)
    student, kept = Student(), Checkpoints(path, str(COURSE))
    return students.train(student, known(), COURSE, kept, show).state_dict()


@pytest.mark.parametrize("stop_after", [3, 101])
def test_an_interrupted_student_ends_the_same(stop_after: int, tmp_path: Path) -> None:
    whole, path = taught(None), tmp_path / "x.ckpt"
    with pytest.raises(StopHereError):
        taught(path, stop_after)
    assert path.is_file() == (stop_after > 100)
    resumed = taught(path)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert int(whole["norm.num_batches_tracked"]) == COURSE.steps


def test_a_finished_course_is_not_taken_again(tmp_path: Path) -> None:
    done = taught(tmp_path / "x.ckpt")
    again = taught(tmp_path / "x.ckpt", stop_after=1)
    assert all(torch.equal(done[name], again[name]) for name in done)


def test_a_student_comes_to_agree_with_its_teacher() -> None:
    student, sample = Student(), known()
    images = sample.images.float() / 127.5 - 1

    def agreement() -> float:
        with torch.no_grad():
            return (F.normalize(student.eval()(images)) * sample.targets).sum(1).mean().item()

    before = agreement()
    students.train(student, sample, replace(COURSE, margin="", rate=2e-2), Checkpoints(None))
    assert agreement() > before + 0.1
    assert not student.training


def by_hand(embeddings: Tensor, names: Tensor, people: Tensor, margin: str) -> float:
    """ArcFace's equation 3 and CosFace's equation 4, person by person."""
    unit = names.double().numpy()
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    losses = []
    for row, who in zip(embeddings.double().numpy(), people.tolist(), strict=True):
        if who == NOBODY:
            continue
        cosines = unit @ row
        right = cosines[who]
        cosines[who] = math.cos(math.acos(right) + 0.3) if margin == "arcface" else right - 0.25
        losses.append(-log_softmax(32 * cosines)[who])
    return float(np.mean(losses))


@pytest.mark.parametrize("margin", ["arcface", "cosface"])
def test_a_margin_loss_is_that_of_its_paper(margin: str) -> None:
    embeddings = F.normalize(torch.randn(6, 8, generator=seeded(1)))
    names = 3 * torch.randn(5, 8, generator=seeded(2))
    people = torch.tensor([0, 4, NOBODY, 2, 2, NOBODY])
    loss = students.margin_loss(embeddings, names, people, margin)
    assert loss.item() == pytest.approx(by_hand(embeddings, names, people, margin), rel=1e-4)
    somebody = students.margin_loss(embeddings[people >= 0], names, people[people >= 0], margin)
    assert loss.item() == pytest.approx(somebody.item())


@pytest.mark.parametrize("margin", ["arcface", "cosface"])
def test_a_margin_loss_has_slopes_where_somebody_is_met_exactly(margin: str) -> None:
    names = torch.eye(3).requires_grad_()
    loss = students.margin_loss(torch.eye(3), names, torch.arange(3), margin)
    loss.backward()
    assert names.grad is not None
    assert names.grad.isfinite().all()


def test_where_nobody_has_a_name_there_is_no_margin_loss() -> None:
    embeddings, names = torch.eye(3), torch.eye(3)
    assert students.margin_loss(embeddings, names, torch.arange(3), "").item() == 0
    nobody = torch.full((3,), NOBODY)
    assert students.margin_loss(embeddings, names, nobody, "arcface").item() == 0
