"""Distillation sets: batches, augmentation, targets."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from lowkey_core.training import distillation
from lowkey_core.training.distillation import MIXTURE, augment, augment_and_mix
from lowkey_core.training.faces import ROOM
from lowkey_core.types import FACE_SIZE
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork
from tests.lowkey_core.training.examples import distillation_set, seeded, training_faces


def test_every_sample_is_in_one_batch_per_pass() -> None:
    sample, size = distillation_set(12), 4
    sample = replace(sample, identities=torch.arange(12))
    seen = [sample.batch(step, size)[2] for step in range(9)]
    passes = [torch.cat(seen[i : i + 3]).tolist() for i in (0, 3, 6)]
    assert [sorted(order) for order in passes] == [[*range(12)]] * 3
    assert passes[0] != passes[1] != passes[2], "each pass has its own order"


@pytest.mark.parametrize("size", [5, 11])
def test_no_batch_repeats_a_sample_and_every_sample_is_used(size: int) -> None:
    sample = replace(distillation_set(12), identities=torch.arange(12))
    counts: Counter[int] = Counter()
    for step in range(30):
        shown = sample.batch(step, size)[2].tolist()
        assert len(set(shown)) == size
        counts.update(shown)
    assert set(counts) == {*range(12)}


def test_a_batch_depends_on_its_step_only() -> None:
    sample = distillation_set()
    torch.manual_seed(1)
    images, targets, people = sample.batch(7, 4)
    torch.manual_seed(2)
    assert all(map(torch.equal, sample.batch(7, 4), (images, targets, people)))
    assert not torch.equal(sample.batch(8, 4)[0], images)
    assert images.shape == (4, 3, FACE_SIZE, FACE_SIZE)
    rows = [(sample.targets == target).all(1).nonzero().item() for target in targets]
    assert torch.equal(sample.identities[rows], people)
    assert torch.allclose(images, sample.images[rows].float() / 127.5 - 1, atol=1e-6)


def test_centred_targets_have_no_common_mean() -> None:
    sample = distillation_set()
    shifted = replace(sample, targets=F.normalize(sample.targets + 3))
    centred = shifted.centred(shifted.targets.mean(0))
    assert torch.allclose(centred.targets.norm(dim=1), torch.ones(12))
    assert shifted.targets.mean(0).norm() > 0.9
    assert centred.targets.mean(0).norm() < 0.3


def test_joined_sets_keep_identities_apart() -> None:
    ours, theirs = distillation_set(12, people=4), distillation_set(8, people=3, seed=1)
    both = ours.join(theirs)
    assert torch.equal(both.images, torch.cat([ours.images, theirs.images]))
    assert torch.equal(both.targets, torch.cat([ours.targets, theirs.targets]))
    assert torch.equal(both.identities[:12], ours.identities)
    named = theirs.identities >= 0
    assert torch.equal(both.identities[12:][named], theirs.identities[named] + 4)
    assert (both.identities[12:][~named] == MIXTURE).all()
    assert both.people == 7


def test_a_quarter_of_the_augmented_faces_are_mixtures() -> None:
    faces = training_faces(16)
    before = faces.identities.clone()
    images, people = augment_and_mix(faces.images, faces.identities, seeded())
    assert images.shape == (16, 3, FACE_SIZE, FACE_SIZE)
    assert images.dtype == torch.float32
    assert images.min() >= 0
    assert images.max() <= 1
    assert (people == MIXTURE).sum() == 4
    named = people >= 0
    assert torch.equal(people[named], before[named])
    assert torch.equal(faces.identities, before)
    again, _ = augment_and_mix(faces.images, faces.identities, seeded())
    assert torch.equal(again, images)
    assert not torch.equal(augment_and_mix(faces.images, before, seeded(1))[0], images)


def test_the_same_seed_gives_the_same_augmentation() -> None:
    """So that a reconstruction can be compared with its picture, with gradients."""
    pictures = training_faces(4).images.float() / 255
    once = augment(pictures, seeded())
    assert torch.equal(augment(pictures.clone(), seeded()), once)
    copies = (0.9 * pictures).requires_grad_()
    (augment(copies, seeded()) - once).abs().sum().backward()
    assert copies.grad is not None
    assert copies.grad.abs().sum(dim=(1, 2, 3)).min() > 0


def test_an_augmented_face_stays_at_the_template() -> None:
    """A white disc on black moves by a few pixels at most, as detectors err."""
    side = FACE_SIZE + 2 * ROOM
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    disc = ((x - side / 2) ** 2 + (y - side / 2) ** 2 < 30**2).to(torch.uint8) * 255
    faces = disc.expand(12, 3, side, side)
    images, people = augment_and_mix(faces, torch.arange(12), seeded())
    for image in images[people >= 0]:
        lit = (image.mean(0) > image.mean()).nonzero().float()
        assert (lit.mean(0) - FACE_SIZE / 2).abs().max() < 7
        assert math.sqrt(len(lit) / math.pi) == pytest.approx(30, rel=0.12)


def test_samples_are_prepared_once_with_the_teachers_embeddings(tmp_path: Path) -> None:
    teacher, faces = TinyNetwork(), training_faces(10)
    made = distillation.prepare(faces, teacher, 2, Work(Cache(tmp_path)))
    assert len(made.images) == 2 * len(faces)
    with torch.no_grad():
        said = teacher(made.images.float() / 255)
    assert torch.allclose(said, made.targets, atol=1e-5)
    counts = Counter(made.identities[made.identities >= 0].tolist())
    assert all(counts[who] <= 2 * n for who, n in Counter(faces.identities.tolist()).items())
    work = Work(Cache(tmp_path))
    again = distillation.prepare(faces, teacher, 2, work)
    assert torch.equal(again.images, made.images)
    assert work.tally["preparing samples", "made"] == 0
