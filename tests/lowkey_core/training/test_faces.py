"""The training faces, and the people who are kept out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lowkey_core import datasets
from lowkey_core.datasets import Dataset, synthetic
from lowkey_core.photos.photo import Photo
from lowkey_core.training import faces
from lowkey_core.training.faces import ROOM, kept_out
from lowkey_core.types import FACE_SIZE
from lowkey_core.work.work import Work


def crowd(many: int, some: int, single: int, root: str = "a") -> Dataset:
    """`many` people with ten pictures, `some` with two, `single` with one."""
    sizes = {"m": (many, 10), "s": (some, 2), "o": (single, 1)}
    photos = [
        Photo(f"{kind}{who}", f"{kind}{who}_{i}", Path(root))
        for kind, (people, pictures) in sizes.items()
        for who in range(people)
        for i in range(pictures)
    ]
    return Dataset("crowd", tuple(photos))


def test_sixty_people_and_a_thousand_strangers_are_kept_out() -> None:
    out = kept_out(crowd(70, 5, 1100))
    assert Counter(who[0] for who in out) == {"m": 60, "o": 1000}
    assert kept_out(crowd(3, 5, 7)) == {*(f"m{i}" for i in range(3)), *(f"o{i}" for i in range(7))}
    assert kept_out(crowd(0, 5, 0)) == frozenset()


def test_generated_people_are_not_those_of_audits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "PEOPLE", 1)
    monkeypatch.setattr(synthetic, "PICTURES", 3)
    monkeypatch.setattr(synthetic, "STRANGERS", 1)
    made = faces.generated_faces(Work())
    side = FACE_SIZE + 2 * ROOM
    assert made.images.shape == (12, 3, side, side)
    assert made.identities.tolist() == [0, 0, 0, 1, 2, 2, 2, 3, 4, 4, 4, 5]
    assert len(made.images.flatten(1).unique(dim=0)) == 12
    audited = datasets.load("synthetic", Work()).photos[0].path.parent
    assert str(audited) not in {f"synthetic-{seed}" for seed in faces.TRAINING_SEEDS}


def test_who_is_kept_out_depends_on_names_alone() -> None:
    dataset = crowd(70, 5, 1100)
    moved = crowd(70, 5, 1100, root="b")
    backwards = Dataset("other", moved.photos[::-1])
    assert kept_out(backwards) == kept_out(dataset)
    fewer = Dataset("fewer", tuple(p for p in dataset.photos if p.identity[0] != "s"))
    assert kept_out(fewer) == kept_out(dataset)
