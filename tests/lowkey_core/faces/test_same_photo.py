"""Copies whose names say nothing are told by their faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lowkey_core.cloaks.folder import FoundCopies
from lowkey_core.faces.same_photo import LIKENESS, by_face, correlation
from lowkey_core.photos.decoding import encode_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import Pixels
from lowkey_core.work.work import Work


def test_correlation_is_numpys() -> None:
    one, other = torch.rand(2, 3, 8, 8)
    expected = np.corrcoef(one.flatten(), other.flatten())[0, 1]
    assert correlation(one, other) == pytest.approx(expected, abs=1e-6)
    assert correlation(one, 1 - one) == pytest.approx(-1, abs=1e-6)
    assert correlation(one, torch.zeros(3, 8, 8)) == 0


def smooth(seed: int) -> Pixels:
    """A picture of its own."""
    colours = np.random.default_rng(seed).integers(40, 215, (8, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(colours).resize((160, 160), Image.Resampling.BICUBIC))


def noisy(pixels: Pixels) -> Pixels:
    noise = np.random.default_rng(9).integers(-9, 10, pixels.shape)
    return (pixels + noise).clip(0, 255).astype(np.uint8)


def written(root: Path, name: str, pixels: Pixels, who: str = "Ann") -> Photo:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(encode_pixels(pixels, "PNG"))
    return Photo(who, name, root / name)


@pytest.mark.usefixtures("nobody_real")
def test_each_file_belongs_to_the_photo_that_it_is_likest(tmp_path: Path) -> None:
    photos = [written(tmp_path, f"{seed}.png", smooth(seed)) for seed in range(3)]
    files = [written(tmp_path, f"x{seed}.png", noisy(smooth(seed))) for seed in (2, 0, 7)]
    found = by_face(files, [photos] * 3, Work())
    assert {name: file.name for name, (file, _) in found.items()} == {
        "2.png": "x2.png",
        "0.png": "x0.png",
    }
    assert all(LIKENESS <= likeness < 1 for _, likeness in found.values())


@pytest.mark.usefixtures("nobody_real")
def test_of_two_files_that_show_a_photo_the_likest_is_its_copy(tmp_path: Path) -> None:
    photo = written(tmp_path, "1.png", smooth(1))
    near = written(tmp_path, "x.png", noisy(smooth(1)))
    nearer = written(tmp_path, "y.png", smooth(1))
    found = by_face([near, nearer], [[photo]] * 2, Work())
    assert found["1.png"][0] == nearer


@pytest.mark.usefixtures("nobody_real")
def test_a_folder_of_copies_of_any_name_is_matched_person_by_person(tmp_path: Path) -> None:
    """What is another person's is not looked at, however alike."""
    photos = [
        written(tmp_path / "photos", f"{who}/{n}.png", smooth(seed), who)
        for who, n, seed in (("Ann", 1, 1), ("Ann", 2, 2), ("Ben", 3, 3))
    ]
    for name, seed in (("Ann/x.png", 2), ("Ann/y.png", 3), ("Ben/z.png", 1)):
        written(tmp_path / "copies", name, noisy(smooth(seed)))
    cloak = FoundCopies(str(tmp_path / "copies"), Work())
    cloak.originals(photos)
    root = tmp_path / "copies"
    assert cloak.copies == {"Ann/2.png": root / "Ann/x.png"}
    assert dict(cloak.reasons) == dict.fromkeys(("Ann/1.png", "Ben/3.png"), "no file of its name")
    assert set(cloak.strays) == {"Ann/y.png", "Ben/z.png"}
    assert cloak.notes == (f"matched: 1 by face (a likeness of {LIKENESS:g} and more)",)
